using Dequeue.Contracts;

namespace Dequeue.Client.Hosting;

/// <summary>The settings of <see cref="DequeueSyncServices.AddDequeueSync(Microsoft.Extensions.DependencyInjection.IServiceCollection, Action{DequeueSyncOptions})"/>:
/// those of <see cref="SyncOptions"/> that belong in a configuration, and those of the hosted service.</summary>
public sealed class DequeueSyncOptions
{
    /// <summary>The server's base address. Required.</summary>
    public Uri? Server { get; set; }

    /// <summary>The tenant app; null for the server's default app.</summary>
    public string? App { get; set; }

    /// <summary>Where to stream. Default <see cref="StreamEndpoint.Negotiated"/>.</summary>
    public StreamEndpoint Stream { get; set; } = StreamEndpoint.Negotiated;

    /// <summary>This device's id, for <see cref="EventFilter.ShippedApp"/>. Default none.</summary>
    public string? DeviceId { get; set; }

    /// <summary>The name of the consumer whose cursor the handlers share. Default <c>app</c>.</summary>
    public string Consumer { get; set; } = "app";

    /// <summary>Whether the hosted service watches. Default true; false for an app that pulls when it wants to.</summary>
    public bool Watch { get; set; } = true;

    /// <summary>How often the hosted service looks whether something waits to be pushed. Default 5 s.</summary>
    public TimeSpan FlushInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long it waits after the server has refused the user, or nobody is signed in, before it tries again. Default 1 min.</summary>
    public TimeSpan RestartInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Last word on the client's options. Default none.</summary>
    public Func<SyncOptions, SyncOptions>? Configure { get; set; }

    /// <summary>The client's options.</summary>
    /// <exception cref="FormatException">The app is no app id.</exception>
    internal SyncOptions ToSyncOptions()
    {
        var options = new SyncOptions
        {
            Server = Server ?? throw new FormatException("Server is required: the base address, https://host."),
            App = App is null ? null : AppId.TryParse(App, out var app) ? app : throw new FormatException($"App is 1 to {AppId.MaxLength} of A-Z a-z 0-9 . _ -"),
            Stream = Stream,
            DeviceId = DeviceId,
            Filter = DeviceId is null ? EventFilter.Mirror : EventFilter.ShippedApp,
        };
        return Configure?.Invoke(options) ?? options;
    }
}
