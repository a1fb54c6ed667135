using Dequeue.Cli.Terminal;
using Dequeue.Functions.Configuration;
using Dequeue.Functions.Upstream;
using Dequeue.FunctionsHost;
using Dequeue.FunctionsHost.Workers;
using Dequeue.Gateway;
using Dequeue.WebPubSub;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dequeue.Cli.Serving;

/// <summary>What <c>dequeue serve</c> can be told.</summary>
public sealed record BackendOptions
{
    /// <summary>The port of the REST calls and the gateway; 0 for any free one.</summary>
    public int Port { get; init; } = 7071;

    /// <summary>The port of Web PubSub; 0 for any free one.</summary>
    public int PubSubPort { get; init; } = 8080;

    /// <summary>Where state is kept; null for the user's own folder.</summary>
    public string? DataFolder { get; init; }

    /// <summary>The event log's storage, as <c>EventLog__Storage</c>; null for SQLite in the data folder.</summary>
    public string? Storage { get; init; }

    /// <summary>Starts the functions; null for a process of their own, as everywhere but in tests.</summary>
    public IWorkerLauncher? Worker { get; init; }

    /// <summary>The least that is logged to stderr.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Warning;

    /// <summary>What answers in front of everything else; null for nothing.</summary>
    public Action<IApplicationBuilder>? Front { get; init; }

    /// <summary>Settings that go before those of the environment.</summary>
    public IReadOnlyDictionary<string, string?> Settings { get; init; } = new Dictionary<string, string?>();
}

/// <summary>The whole backend: Web PubSub, the gateway and the Functions host in this process, the functions in their worker's.</summary>
public sealed class LocalBackend : IAsyncDisposable
{
    private const string EnvironmentSetting = "AZURE_FUNCTIONS_ENVIRONMENT";

    private readonly WebPubSubServer _pubSub;
    private readonly FunctionsHostServer _functions;
    private readonly DataFolder _data;

    private LocalBackend(WebPubSubServer pubSub, FunctionsHostServer functions, DataFolder data) => (_pubSub, _functions, _data) = (pubSub, functions, data);

    /// <summary>Where the REST calls and the gateway answer.</summary>
    public Uri Address => _functions.Address;

    /// <summary>The folder of the functions: they are published beside this program.</summary>
    public static string FunctionsFolder => AppContext.BaseDirectory;

    /// <summary>Completes when the process is asked to stop (SIGTERM, Ctrl+C).</summary>
    public Task WaitForShutdownAsync(CancellationToken cancellationToken) => _functions.WaitForShutdownAsync(cancellationToken);

    /// <summary>Starts everything; when it returns, the backend answers.</summary>
    /// <exception cref="FunctionsHostException">A setting is wrong, or the functions cannot be run.</exception>
    /// <exception cref="IOException">A port or the data folder is taken by another process, or the folder cannot be written.</exception>
    public static async Task<LocalBackend> StartAsync(BackendOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        var data = Serving.DataFolder.Open(options.DataFolder);
        data.Close();

        // Not the emulator's key, which everybody has: any web page may open a socket to this machine.
        var pubSub = new WebPubSubServer(new WebPubSubServerOptions { Port = options.PubSubPort, AccessKey = data.WebPubSubKey() });
        FunctionsHostServer? functions = null;
        try
        {
            await pubSub.StartAsync(cancellationToken);
            functions = new FunctionsHostServer(Functions(options, data, pubSub.ConnectionString));
            await functions.StartAsync(cancellationToken);
            data.WebPubSubEndpoint = pubSub.Endpoint.GetLeftPart(UriPartial.Authority);
            data.Close();
            pubSub.SetEventHandlers(
                WebPubSubSettings.Hub,
                new WebPubSubEventHandler(
                    new Uri(functions.Address, UpstreamFunction.Route).AbsoluteUri,
                    systemEvents: WebPubSubSystemEvents.Connect | WebPubSubSystemEvents.Disconnected));
            return new LocalBackend(pubSub, functions, data);
        }
        catch
        {
            if (functions is not null) await functions.DisposeAsync();
            await pubSub.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops in order: clients are let go first, running work is finished.</summary>
    public async ValueTask DisposeAsync()
    {
        _data.WebPubSubEndpoint = null;
        await _pubSub.StopAsync(CancellationToken.None);
        await _functions.DisposeAsync();
        await _pubSub.DisposeAsync();
    }

    private static FunctionsHostOptions Functions(BackendOptions options, DataFolder data, string pubSub)
    {
        var settings = new Dictionary<string, string?>(options.Settings)
        {
            ["WebPubSubConnectionString"] = pubSub,

            // What is not shown need not come over from the worker.
            ["Logging:LogLevel:Default"] = options.LogLevel.ToString(),
        };
        settings.TryAdd("EventLog:Storage", options.Storage ?? "sqlite:" + data.Events);
        settings.TryAdd(EnvironmentSetting, Environment.GetEnvironmentVariable(EnvironmentSetting) is { Length: > 0 } named ? named : "Development");
        if (Environment.GetEnvironmentVariable("Auth__Authority") is null) settings.TryAdd("Auth:DevSigningKey", data.DevSigningKey());
        var origins = settings.GetValueOrDefault("Cors:Origins") ?? Environment.GetEnvironmentVariable("Cors__Origins");
        return new FunctionsHostOptions
        {
            AppFolder = FunctionsFolder,
            Worker = options.Worker,
            Listen = new Uri($"http://127.0.0.1:{options.Port}"),
            StateFolder = data.Path,
            Settings = settings,
            Logging = logging => Consoles.LogToStderr(logging, options.LogLevel),
            FrontServices = services => services.AddSyncGateway(AddressOf, origins),
            Front = app =>
            {
                options.Front?.Invoke(app);
                app.UseSyncGateway();
            },
        };
    }

    private static Uri AddressOf(IServiceProvider services)
        => new(services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
}
