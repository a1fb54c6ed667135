using System.Net;
using System.Net.Sockets;
using Dequeue.WebPubSub.Clients;
using Dequeue.WebPubSub.Rest;
using Dequeue.WebPubSub.Upstream;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dequeue.WebPubSub;

/// <summary>
/// The Azure Web PubSub service in this process, on its own port of the loopback addresses: client endpoint, REST data plane,
/// events to handlers. It speaks as Azure does, so that unmodified SDKs work, and takes the place of Microsoft's emulator.
/// </summary>
public sealed partial class WebPubSubServer : IAsyncDisposable
{
    /// <summary>The service's name in its addresses, tokens and event origins, as in the connection string of Microsoft's emulator.</summary>
    private const string Host = "localhost";

    /// <summary>Longest request line and headers: tokens travel there, with their roles and groups.</summary>
    private const int MaxHeaderBytes = 64 * 1024;

    /// <summary>How long a stop waits for handlers to be told that their clients are gone, and then for clients to answer the close.</summary>
    private static readonly TimeSpan FarewellTime = TimeSpan.FromSeconds(2);

    private readonly WebPubSubServerOptions _options;
    private readonly EventHandlerTable _handlers = new();
    private readonly ILogger _logger;
    private ServiceContext? _service;
    private ClientEndpoint? _clients;
    private WebApplication? _app;
    private Uri? _endpoint;

    /// <summary>A service that is not yet started.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public WebPubSubServer(WebPubSubServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
        _logger = options.LoggerFactory.CreateLogger<WebPubSubServer>();
        foreach (var (hub, handlers) in options.Hubs) _handlers.Set(hub, handlers);
    }

    /// <summary>Where the service listens, with the port that it really has: <c>http://localhost:8080</c>.</summary>
    /// <exception cref="InvalidOperationException">The service was not started.</exception>
    public Uri Endpoint => _endpoint ?? throw new InvalidOperationException("The Web PubSub service was not started.");

    /// <summary>What an SDK is given to reach the service.</summary>
    /// <exception cref="InvalidOperationException">The service was not started.</exception>
    public string ConnectionString => $"Endpoint={Endpoint.GetLeftPart(UriPartial.Authority)};AccessKey={_options.AccessKey};Version=1.0;";

    /// <summary>Replaces the event handlers of a hub, also while the service runs; the next event goes to the new ones.</summary>
    /// <param name="hub">Name of the hub, case-insensitive.</param>
    /// <param name="handlers">The handlers in order; none to post no event.</param>
    /// <exception cref="ArgumentException">The name is no hub name.</exception>
    public void SetEventHandlers(string hub, params IEnumerable<WebPubSubEventHandler> handlers)
    {
        ArgumentNullException.ThrowIfNull(handlers);
        _handlers.Set(hub, handlers);
    }

    /// <summary>Starts to listen.</summary>
    /// <exception cref="IOException">The port is taken.</exception>
    /// <exception cref="InvalidOperationException">The service was started before.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_app is not null) throw new InvalidOperationException("The Web PubSub service was started before.");
        const int Attempts = 5;
        for (var attempt = 1; ; attempt++)
        {
            var port = _options.Port == 0 ? FindFreePort() : _options.Port;
            var app = Build(port);
            try
            {
                await app.StartAsync(cancellationToken);
                _app = app;
                LogStarted(_endpoint!);
                return;
            }
            catch (IOException) when (_options.Port == 0 && attempt < Attempts)
            {
                // Someone else took the free port in between.
                await app.DisposeAsync();
            }
            catch
            {
                await app.DisposeAsync();
                throw;
            }
        }
    }

    /// <summary>
    /// Takes a client that came to another web server of this process, at an address of its own: checks its token, asks the application, and
    /// runs the connection until its socket has ended. Nothing but clients can be reached this way. The pipeline has <c>UseWebSockets</c>.
    /// </summary>
    /// <param name="context">The handshake.</param>
    /// <param name="hub">Name of the hub, as the client names it.</param>
    /// <exception cref="InvalidOperationException">The service was not started.</exception>
    public Task HandleClientAsync(HttpContext context, string hub)
        => (_clients ?? throw new InvalidOperationException("The Web PubSub service was not started.")).HandleAsync(context, hub);

    /// <summary>How many clients are connected, to all hubs.</summary>
    public int ConnectionCount => _service?.Hubs.All.Sum(static hub => hub.Everyone().Length) ?? 0;

    /// <summary>
    /// Closes every client with 1001, tells event handlers of it for at most two seconds, and stops listening. Safe to call
    /// more than once.
    /// </summary>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        if (_app is not { } app || _service is not { IsStopping: false } service) return;
        service.IsStopping = true;
        var connections = service.Hubs.All.SelectMany(hub => hub.Everyone()).ToList();
        foreach (var connection in connections) connection.Close(CloseReason.ServerStops);
        try
        {
            await Task.WhenAll(connections.Select(connection => connection.Events.Completion)).WaitAsync(FarewellTime, cancellationToken);
        }
        catch (TimeoutException)
        {
            LogHandlersSlow();
        }

        service.Stop();
        await app.StopAsync(cancellationToken);
    }

    /// <summary>Stops the service and frees what it holds.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_app is not { } app) return;
        await StopAsync();
        await app.DisposeAsync();
        _service?.Dispose();
        _app = null;
    }

    private static int FindFreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private WebApplication Build(int port)
    {
        _endpoint = new Uri($"http://{Host}:{port}");
        _service?.Dispose();
        var service = _service = new ServiceContext(_options, new UpstreamDispatcher(_options, _handlers, _endpoint, _logger), _logger);
        var clients = _clients = new ClientEndpoint(service);
        var rest = new RestEndpoint(service);

        // Nothing of the web server's own logging: it prints query strings, and those hold tokens.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, EmbeddedLifetime>();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = FarewellTime);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            // Both loopback addresses: "localhost" may mean either.
            kestrel.ListenLocalhost(port, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestLineSize = MaxHeaderBytes;
            kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
            // A body of unknown length is read whole out of this buffer.
            kestrel.Limits.MaxRequestBufferSize = MaxHeaderBytes + _options.Limits.MaxMessageBytes + 1;
            kestrel.Limits.MaxRequestBodySize = null;
        });
        var app = builder.Build();
        app.UseWebSockets();
        app.Run(context => RouteAsync(context, clients, rest));
        return app;
    }

    private static Task RouteAsync(HttpContext context, ClientEndpoint clients, RestEndpoint rest)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (!target.StartsWith('/') && Uri.TryCreate(target, UriKind.Absolute, out var absolute) && absolute.Scheme is "http" or "https") target = absolute.PathAndQuery;
        string[] path = [.. target.Split('?')[0].Split('/').Select(Uri.UnescapeDataString)];
        switch (path)
        {
            case ["", "api", .. var rest1]:
                return rest.HandleAsync(context, target, rest1);
            case ["", "client", "hubs", var hub]:
                return clients.HandleAsync(context, hub);
            case ["", "client"] or ["", "client", ""]:
                return clients.HandleAsync(context, context.Request.Query["hub"].LastOrDefault());
            default:
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
        }
    }

    [LoggerMessage(3030, LogLevel.Information, "Web PubSub listens at {Endpoint}")]
    private partial void LogStarted(Uri endpoint);

    [LoggerMessage(3031, LogLevel.Warning, "Web PubSub stopped before every event handler was told that its clients are gone")]
    private partial void LogHandlersSlow();

    /// <summary>Leaves the process's signals to the process: this host is started and stopped by its owner.</summary>
    private sealed class EmbeddedLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
