using System.Net;
using System.Net.Sockets;
using Dequeue.Cli.Operating;
using Dequeue.Cli.Terminal;
using Dequeue.Functions.Configuration;
using Dequeue.Functions.Telemetry;
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

    /// <summary>How others than this machine reach the server; null for nobody else, at 127.0.0.1.</summary>
    public PublicSide? PublicSide { get; init; }

    /// <summary>The least that is logged to stderr.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Warning;

    /// <summary>What answers in front of everything else; null for nothing.</summary>
    public Action<IApplicationBuilder>? Front { get; init; }

    /// <summary>Whether each line of the log is a JSON object.</summary>
    public bool LogsAsJson { get; init; }

    /// <summary>Settings that go before those of the environment.</summary>
    public IReadOnlyDictionary<string, string?> Settings { get; init; } = new Dictionary<string, string?>();
}

/// <summary>The whole backend: Web PubSub, the gateway and the Functions host in this process, the functions in their worker's.</summary>
public sealed class LocalBackend : IAsyncDisposable
{
    private const string EnvironmentSetting = "AZURE_FUNCTIONS_ENVIRONMENT";
    private const string AuthoritySetting = "Auth:Authority";
    private const string StorageSetting = "EventLog:Storage";
    private const string DevKeySetting = "Auth:DevSigningKey";

    private readonly WebPubSubServer _pubSub;
    private readonly FunctionsHostServer _functions;
    private readonly OperatorSide _operator;
    private readonly DataFolder _data;

    private LocalBackend(WebPubSubServer pubSub, FunctionsHostServer functions, OperatorSide @operator, DataFolder data)
        => (_pubSub, _functions, _operator, _data) = (pubSub, functions, @operator, data);

    /// <summary>Where the REST calls and the gateway answer.</summary>
    public Uri Address => _functions.Address;

    /// <summary>Where they answer to what runs on this machine.</summary>
    public Uri LocalAddress => _functions.LocalAddress;

    /// <summary>The folder of the functions: they are published beside this program.</summary>
    public static string FunctionsFolder => AppContext.BaseDirectory;

    /// <summary>Completes when the process is asked to stop (SIGTERM, Ctrl+C).</summary>
    public Task WaitForShutdownAsync(CancellationToken cancellationToken) => _functions.WaitForShutdownAsync(cancellationToken);

    /// <summary>Starts everything; when it returns, the backend answers.</summary>
    /// <exception cref="FunctionsHostException">A setting is wrong, or the functions cannot be run.</exception>
    /// <exception cref="SettingsException">Others could reach a server that takes development tokens.</exception>
    /// <exception cref="IOException">A port or the data folder is taken by another process, or the folder cannot be written.</exception>
    public static async Task<LocalBackend> StartAsync(BackendOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        var settings = Settings(options);
        var data = Serving.DataFolder.Open(options.DataFolder);
        if (await OperatorSide.IsRunningAsync(data, cancellationToken))
            throw new IOException($"A server runs on this data folder already, {data.OperatorEndpoint} (--data names another).");
        data.Close();
        if (settings.GetValueOrDefault(AuthoritySetting) is not { Length: > 0 }) settings.TryAdd(DevKeySetting, data.DevSigningKey());

        // Not the emulator's key, which everybody has: any web page may open a socket to this machine.
        var pubSub = new WebPubSubServer(new WebPubSubServerOptions { Port = options.PubSubPort, AccessKey = data.WebPubSubKey() });
        FunctionsHostServer? functions = null;
        OperatorSide? operators = null;
        settings.TryAdd(StorageSetting, options.Storage ?? "sqlite:" + data.Events);
        settings[OperatorToken.Setting] = data.OperatorToken();
        var log = new RecentLog(TimeProvider.System);
        try
        {
            await pubSub.StartAsync(cancellationToken);
            operators = OpenOperators(pubSub, data, settings[StorageSetting]!, log);
            functions = new FunctionsHostServer(Functions(options, settings, data, pubSub, operators, log));
            await StartAsync(functions, options, cancellationToken);
            operators.Functions = functions.LocalAddress;
            data.WebPubSubEndpoint = pubSub.Endpoint.GetLeftPart(UriPartial.Authority);
            data.OperatorEndpoint = functions.LocalAddress.GetLeftPart(UriPartial.Authority);
            data.Close();
            pubSub.SetEventHandlers(
                WebPubSubSettings.Hub,
                new WebPubSubEventHandler(
                    new Uri(functions.LocalAddress, UpstreamFunction.Route).AbsoluteUri,
                    systemEvents: WebPubSubSystemEvents.Connect | WebPubSubSystemEvents.Disconnected));
            return new LocalBackend(pubSub, functions, operators, data);
        }
        catch
        {
            if (functions is not null) await functions.DisposeAsync();
            operators?.Dispose();
            await pubSub.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops in order: clients are let go first, running work is finished.</summary>
    public async ValueTask DisposeAsync()
    {
        _data.WebPubSubEndpoint = _data.OperatorEndpoint = null;
        await _pubSub.StopAsync(CancellationToken.None);
        await _functions.DisposeAsync();
        _operator.Dispose();
        await _pubSub.DisposeAsync();
    }

    private static OperatorSide OpenOperators(WebPubSubServer pubSub, DataFolder data, string storage, RecentLog log)
    {
        try
        {
            return new OperatorSide(pubSub, data, storage, log, TimeProvider.System);
        }
        catch (FormatException wrong)
        {
            throw new SettingsException(wrong.Message);
        }
    }

    private static async Task StartAsync(FunctionsHostServer functions, BackendOptions options, CancellationToken cancellationToken)
    {
        try
        {
            await functions.StartAsync(cancellationToken);
        }
        catch (SocketException refused)
        {
            // Not taken: no address of this machine, or a port that one needs rights for.
            throw new IOException($"{Listen(options).Authority} cannot be listened at: {refused.Message}.", refused);
        }
    }

    private static Uri Listen(BackendOptions options)
    {
        var side = options.PublicSide ?? new PublicSide();
        return new Uri($"{(side.Certificate is null ? "http" : "https")}://{new IPEndPoint(side.Listen, options.Port)}");
    }

    // Those that decide who may come in, before anything is made.
    private static Dictionary<string, string?> Settings(BackendOptions options)
    {
        var settings = new Dictionary<string, string?>(options.Settings);
        foreach (var name in new[] { AuthoritySetting, EnvironmentSetting })
        {
            if (Environment.GetEnvironmentVariable(name.Replace(":", "__", StringComparison.Ordinal)) is { Length: > 0 } value) settings.TryAdd(name, value);
        }

        var takesDevelopmentTokens = settings.GetValueOrDefault(AuthoritySetting) is not { Length: > 0 };
        if (takesDevelopmentTokens && options.PublicSide is { IsPublic: true, TakesDevelopmentTokens: false })
        {
            throw new SettingsException(
                "Others can reach this server, and whoever has the key of development tokens is any user: set Auth__Authority and Auth__Audience, "
                + "or say --development-tokens.");
        }

        settings.TryAdd(EnvironmentSetting, takesDevelopmentTokens || options.PublicSide is not { IsPublic: true } ? "Development" : "Production");
        return settings;
    }

    private static FunctionsHostOptions Functions(BackendOptions options, Dictionary<string, string?> settings, DataFolder data, WebPubSubServer pubSub, OperatorSide operators, RecentLog log)
    {
        settings["WebPubSubConnectionString"] = pubSub.ConnectionString;

        // What is not shown need not come over from the worker.
        settings["Logging:LogLevel:Default"] = options.LogLevel.ToString();
        if (options.PublicSide is not null) settings["WebPubSub:PublicUrlHeader"] = PublicSide.UrlHeader;
        var origins = settings.GetValueOrDefault("Cors:Origins") ?? Environment.GetEnvironmentVariable("Cors__Origins");
        return new FunctionsHostOptions
        {
            AppFolder = FunctionsFolder,
            Worker = options.Worker,
            Listen = Listen(options),
            Certificate = options.PublicSide?.Certificate,
            LocalPort = options.PublicSide?.LocalPort,
            StateFolder = data.Path,
            Settings = settings,
            Logging = logging =>
            {
                Consoles.LogToStderr(logging, options.LogLevel, options.LogsAsJson);
                logging.AddProvider(log);
            },
            FrontServices = services => services.AddSyncGateway(AddressOf, origins),
            Front = app =>
            {
                options.Front?.Invoke(app);
                if (options.PublicSide is { } side) app.UsePublicSide(side, pubSub, () => AddressOf(app.ApplicationServices).Port);
                operators.Use(app);
                app.UseSyncGateway();
            },
        };
    }

    // The local one, if there are two.
    private static Uri AddressOf(IServiceProvider services)
        => new(services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Last());
}
