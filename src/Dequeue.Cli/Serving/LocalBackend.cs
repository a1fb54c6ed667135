using Dequeue.Functions;
using Dequeue.Functions.Configuration;
using Dequeue.Functions.Upstream;
using Dequeue.Gateway;
using Dequeue.Local.WebPubSub;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
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

    /// <summary>The least that is logged to stderr.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Warning;

    /// <summary>Settings that go before those of the environment.</summary>
    public IReadOnlyDictionary<string, string?> Settings { get; init; } = new Dictionary<string, string?>();
}

/// <summary>The whole backend in one process: the functions, the durable engine, Web PubSub and the gateway.</summary>
public sealed class LocalBackend : IAsyncDisposable
{
    private readonly WebPubSubServer _pubSub;
    private readonly IHost _functions;

    private LocalBackend(WebPubSubServer pubSub, IHost functions, Uri address) => (_pubSub, _functions, Address) = (pubSub, functions, address);

    /// <summary>Where the REST calls and the gateway answer.</summary>
    public Uri Address { get; }

    /// <summary>Completes when the process is asked to stop (SIGTERM, Ctrl+C).</summary>
    public Task WaitForShutdownAsync(CancellationToken cancellationToken) => _functions.WaitForShutdownAsync(cancellationToken);

    /// <summary>Starts everything; when it returns, the backend answers.</summary>
    /// <exception cref="SettingsException">A setting is wrong.</exception>
    /// <exception cref="IOException">A port or the data folder is taken by another process, or the folder cannot be written.</exception>
    public static async Task<LocalBackend> StartAsync(BackendOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        var data = Serving.DataFolder.Open(options.DataFolder);
        var pubSub = new WebPubSubServer(new WebPubSubServerOptions { Port = options.PubSubPort });
        IHost? functions = null;
        try
        {
            await pubSub.StartAsync(cancellationToken);
            functions = Build(options, data, pubSub.ConnectionString);
            await functions.StartAsync(cancellationToken);
            var address = AddressOf(functions.Services);
            pubSub.SetEventHandlers(
                WebPubSubSettings.Hub,
                new WebPubSubEventHandler(
                    new Uri(address, UpstreamFunction.Route).AbsoluteUri, systemEvents: WebPubSubSystemEvents.Connect | WebPubSubSystemEvents.Disconnected));
            return new LocalBackend(pubSub, functions, address);
        }
        catch (Exception failure)
        {
            functions?.Dispose();
            await pubSub.DisposeAsync();

            // The host refuses to start in one sentence.
            if (failure is InvalidOperationException refusal) throw new IOException(refusal.Message, refusal);
            throw;
        }
    }

    /// <summary>Stops in order: clients are let go first, running work is finished.</summary>
    public async ValueTask DisposeAsync()
    {
        await _pubSub.StopAsync(CancellationToken.None);
        await _functions.StopAsync();
        if (_functions is IAsyncDisposable functions) await functions.DisposeAsync();
        else _functions.Dispose();
        await _pubSub.DisposeAsync();
    }

    private static IHost Build(BackendOptions options, DataFolder data, string pubSub)
    {
        var settings = new Dictionary<string, string?>(options.Settings)
        {
            ["WebPubSubConnectionString"] = pubSub,
            ["Durable:Path"] = data.Durable,
        };
        settings.TryAdd("EventLog:Storage", options.Storage ?? "sqlite:" + data.Events);
        settings.TryAdd("AZURE_FUNCTIONS_ENVIRONMENT", "Development");
        if (Environment.GetEnvironmentVariable("Auth__Authority") is null) settings.TryAdd("Auth:DevSigningKey", data.DevSigningKey());

        var builder = SyncBackend.CreateBuilder(["--urls", $"http://127.0.0.1:{options.Port}"], settings);
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(console => console.SingleLine = true);
        builder.Logging.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Logging.SetMinimumLevel(options.LogLevel);
        foreach (var framework in new[] { "Microsoft", "System", "Yarp", "Azure" }) builder.Logging.AddFilter(framework, LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None); // a failed start is reported by its caller
        builder.Services.AddSyncGateway(AddressOf, builder.Configuration["Cors:Origins"]);
        builder.Services.AddSingleton<IStartupFilter, GatewayFirst>();
        return builder.Build();
    }

    private static Uri AddressOf(IServiceProvider services)
        => new(services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    private sealed class GatewayFirst : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next)
            => app =>
            {
                app.UseSyncGateway();
                next(app);
            };
    }
}
