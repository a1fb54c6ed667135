using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.Tests.Shared;

namespace Dequeue.EndToEnd.Tests.Options;

/// <summary>A backend that offers every page by reference, with one history in it.</summary>
public sealed class OptionBackend(Azurite azurite) : IAsyncLifetime
{
    private string? _missing;
    private OptionHistory? _history;

    /// <summary>The backend.</summary>
    public Backend Backend { get; private set; } = null!;

    /// <summary>The history.</summary>
    internal OptionHistory History
    {
        get
        {
            if (_missing is not null) Assert.Skip(_missing);
            return _history!;
        }
    }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        try
        {
            Backend = await Backend.StartAsync(new Dictionary<string, string?>
            {
                ["References:Storage"] = await azurite.BlobConnectionStringAsync(),
                ["References:FromMegabytes"] = "0",
                ["Limits:CallsPerSecond"] = "2000",
            });
            _history = await OptionHistory.PushAsync(Backend.NewUser());
        }
        catch (NodeUnavailableException missing)
        {
            _missing = missing.Message;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Backend is null ? ValueTask.CompletedTask : Backend.DisposeAsync();
}
