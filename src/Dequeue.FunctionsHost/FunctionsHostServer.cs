using System.Net;
using System.Net.Security;
using Dequeue.FunctionsHost.Durable;
using Dequeue.FunctionsHost.Http;
using Dequeue.FunctionsHost.Rpc;
using Dequeue.FunctionsHost.Timers;
using Dequeue.FunctionsHost.Workers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Constraints;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Forwarder;

namespace Dequeue.FunctionsHost;

/// <summary>
/// A Functions host: runs an isolated worker app with HTTP, timer and durable triggers, and is for it what Azure's is. The worker is
/// the official one, unmodified; host and worker speak its gRPC protocol.
/// </summary>
public sealed class FunctionsHostServer : IAsyncDisposable
{
    /// <summary>Bodies longer than this are refused before a function sees them; the Functions host's own default.</summary>
    private const long MaxBodyBytes = 104_857_600;

    /// <summary>Time for what runs to finish when the host stops.</summary>
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(10);

    private readonly FunctionsHostOptions _options;
    private readonly HostSettings _settings;
    private readonly ServiceProvider _services;
    private readonly ILoggerFactory _loggers;
    private readonly WorkerFunctions _durableFunctions = new();
    private readonly DurableEngine _engine;
    private readonly WorkerListener _listener;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly WebApplication _front;
    private HttpFunctions? _http;
    private WorkerSupervisor? _workers;
    private TimerFunctions? _timers;

    /// <summary>Prepares a host; <see cref="StartAsync"/> starts it.</summary>
    /// <exception cref="FunctionsHostException">host.json cannot be understood.</exception>
    public FunctionsHostServer(FunctionsHostOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options = options with { AppFolder = Path.GetFullPath(options.AppFolder), StateFolder = Path.GetFullPath(options.StateFolder) };
        _settings = HostSettings.Read(options.AppFolder);
        _services = new ServiceCollection().AddLogging(logging =>
        {
            // Each line of these holds a whole URL, a key in it perhaps.
            logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning).AddFilter("Yarp", LogLevel.Warning);
            options.Logging?.Invoke(logging);
        }).BuildServiceProvider();
        _loggers = _services.GetRequiredService<ILoggerFactory>();
        _engine = new DurableEngine(
            _settings.Durable with { Path = Path.Combine(options.StateFolder, "durable.db") },
            _durableFunctions,
            options.Clock,
            _loggers.CreateLogger<DurableEngine>());
        _listener = new WorkerListener(_loggers, new TaskHubService(_engine));
        _front = BuildFront();
    }

    /// <summary>Where the functions answer, once started.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>Where this machine reaches them: the address of the local port, if there is one.</summary>
    public Uri LocalAddress { get; private set; } = null!;

    /// <summary>Where durable clients (gRPC) reach the task hub, on this machine, once started.</summary>
    public Uri TaskHub => _listener.Address;

    /// <summary>Starts everything; when it returns, the functions answer.</summary>
    /// <exception cref="FunctionsHostException">The app cannot be run.</exception>
    /// <exception cref="IOException">The port is taken.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _listener.StartAsync(cancellationToken);

        // Before the worker, which is told the address. Requests wait until its functions are known.
        await _front.StartAsync(cancellationToken);
        var addresses = _front.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        (Address, LocalAddress) = (new Uri(addresses.First()), new Uri(addresses.Last()));

        var logger = _loggers.CreateLogger("Dequeue.FunctionsHost");
        var environment = WorkerEnvironment();
        string? Setting(string name)
        {
            var variable = name.Replace(":", "__", StringComparison.Ordinal);
            return environment.GetValueOrDefault(variable) ?? Environment.GetEnvironmentVariable(variable);
        }

        _workers = new WorkerSupervisor(
            _options.Worker ?? WorkerProcess.Of(_options.AppFolder, logger), _listener, _options.AppFolder, environment, _options.Clock, _loggers);
        var worker = await _workers.StartAsync(cancellationToken);
        var functions = worker.Functions.Values.ToList();
        if (worker.HttpUri is null && functions.Find(static function => function.Trigger is Trigger.Http) is { } unreachable)
        {
            throw new FunctionsHostException(
                $"Function '{unreachable.Name}' cannot be forwarded HTTP requests: its app does not call ConfigureFunctionsWebApplication().");
        }

        var durableClient = new DurableClientBinding(_listener.Address);
        var forwarder = _front.Services.GetRequiredService<IHttpForwarder>();
        _http = new HttpFunctions(_workers, forwarder, durableClient, new KeyCheck(Setting(KeyCheck.Setting)), logger);
        _timers = new TimerFunctions(functions, _workers, durableClient, Setting, Path.Combine(_options.StateFolder, "timers"), _options.Clock, logger);
        _durableFunctions.Load(functions, _workers, durableClient);
        await StartEngineAsync(cancellationToken);
        _front.Services.GetRequiredService<FunctionEndpoints>().Load(functions, _http, _settings);
        _ready.SetResult();
        _timers.Start();
    }

    /// <summary>Ends when the process is asked to stop (SIGTERM, Ctrl+C).</summary>
    public async Task WaitForShutdownAsync(CancellationToken cancellationToken)
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var byProcess = _front.Lifetime.ApplicationStopping.Register(() => asked.TrySetResult());
        using var byCaller = cancellationToken.Register(() => asked.TrySetResult());
        await asked.Task;
    }

    /// <summary>Stops in order: no new requests, then timers and the durable engine, then the worker.</summary>
    public async ValueTask DisposeAsync()
    {
        _ready.TrySetCanceled();

        // A worker that ends now was told to by the same signal.
        if (_workers is not null) await _workers.StopRestartingAsync();
        await StopFrontAsync();
        using (var grace = new CancellationTokenSource(StopGrace, _options.Clock))
        {
            if (_timers is not null) await _timers.StopAsync(grace.Token);
            await _engine.StopAsync(grace.Token);
        }

        await _engine.DisposeAsync();
        if (_workers is not null) await _workers.DisposeAsync();
        await _listener.DisposeAsync();
        await _front.DisposeAsync();
        _timers?.Dispose();
        _http?.Dispose();
        await _services.DisposeAsync();
    }

    private async Task StartEngineAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _engine.StartAsync(cancellationToken);
        }
        catch (InvalidOperationException refused)
        {
            throw new FunctionsHostException(refused.Message, refused); // the file is another process's, or of another version
        }
    }

    private async Task StopFrontAsync()
    {
        using var grace = new CancellationTokenSource(StopGrace, _options.Clock);
        try
        {
            await _front.StopAsync(grace.Token);
        }
        catch (OperationCanceledException)
        {
            // Requests that still run are cut off.
        }
    }

    private WebApplication BuildFront()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxBodyBytes;
            kestrel.Listen(IPAddress.Parse(_options.Listen.Host), _options.Listen.Port, Secure);

            // The last one: so it is found among the addresses.
            if (_options.LocalPort is { } local) kestrel.Listen(IPAddress.Loopback, local);
        });
        builder.Services.AddLogging();
        builder.Services.AddSingleton(_loggers);
        builder.Services.AddRouting(options => options.SetParameterPolicy<RegexInlineRouteConstraint>("regex"));
        builder.Services.AddHttpForwarder();
        builder.Services.AddSingleton<FunctionEndpoints>();
        _options.FrontServices?.Invoke(builder.Services);
        var app = builder.Build();
        app.Use(async (context, next) =>
        {
            if (!_ready.Task.IsCompletedSuccessfully) await _ready.Task.WaitAsync(context.RequestAborted);
            await next(context);
        });
        _options.Front?.Invoke(app);
        app.UseRouting();
        ((IEndpointRouteBuilder)app).DataSources.Add(app.Services.GetRequiredService<FunctionEndpoints>());
        return app;
    }

    private void Secure(ListenOptions listen)
    {
        if (_options.Listen.Scheme != Uri.UriSchemeHttps) return;
        var certificate = _options.Certificate ?? throw new FunctionsHostException($"{_options.Listen} needs a certificate.");
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions { ServerCertificateContext = certificate() }),
        });
    }

    private Dictionary<string, string> WorkerEnvironment()
    {
        var environment = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["FUNCTIONS_WORKER_RUNTIME"] = "dotnet-isolated",
            ["FUNCTIONS_APPLICATION_DIRECTORY"] = _options.AppFolder,
            ["WEBSITE_HOSTNAME"] = LocalAddress.Authority, // the durable client wants it
        };
        AddUnlessSet("AZURE_FUNCTIONS_ENVIRONMENT", "Development");
        foreach (var (name, value) in LocalSettings.Read(_options.AppFolder)) AddUnlessSet(name, value);
        foreach (var (name, value) in _options.Settings)
        {
            if (value is not null) environment[name.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        return environment;

        void AddUnlessSet(string name, string value)
        {
            if (Environment.GetEnvironmentVariable(name) is null) environment[name] = value;
        }
    }
}
