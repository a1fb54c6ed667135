using System.Net;
using System.Net.WebSockets;
using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.Contracts.Rest;
using Dequeue.Functions.Configuration;
using Dequeue.Gateway.Pacing;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;

namespace Dequeue.Gateway;

/// <summary>
/// For clients that know nothing of Web PubSub: takes the WebSocket upgrade of <c>GET /v1/sync/stream</c> and
/// <c>GET /apps/{appId}/ws</c>, negotiates with the caller's own token, and carries the connection to the Web PubSub URL that
/// comes back. A live socket is forwarded as it is. A stream is paced for clients that cannot acknowledge: see
/// <see cref="PacedRelay"/>. It holds no key and keeps nothing. Every other request passes by.
/// </summary>
public sealed partial class SyncGateway : IDisposable
{
    private const string StreamPath = "/v1/sync/stream";

    /// <summary>Longest wait for the negotiation and for Web PubSub to answer the upgrade.</summary>
    private static readonly TimeSpan HandshakePatience = TimeSpan.FromSeconds(15);

    /// <summary>A connection without traffic for so long is dead: Web PubSub pings every 20 seconds.</summary>
    private static readonly TimeSpan IdlePatience = TimeSpan.FromMinutes(5);

    /// <summary>Time between pings to a client, and to Web PubSub.</summary>
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(20);

    /// <summary>A client that answers no ping for so long is gone. A ping waits behind what is on its way already: on a link of 1 Mbit/s
    /// the buffers of TCP alone may hold half a minute.</summary>
    private static readonly TimeSpan PingPatience = TimeSpan.FromMinutes(2);

    private readonly IHttpForwarder _forwarder;
    private readonly IHostApplicationLifetime _host;
    private readonly TimeProvider _clock;
    private readonly Func<Uri> _functions;
    private readonly AllowedOrigins _origins;
    private readonly ILogger<SyncGateway> _logger;
    private readonly HttpClient _negotiation = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { Timeout = HandshakePatience };
    private readonly HttpMessageInvoker _webPubSub = new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = HandshakePatience,
    });

    /// <summary>A gateway to the functions at an address, asked for when it is needed.</summary>
    /// <param name="forwarder">Forwards what is not paced.</param>
    /// <param name="functions">Where the functions are.</param>
    /// <param name="origins">Comma list of the origins whose pages may open a socket, or <c>*</c>; null or empty for every one. What is no
    /// page sends no origin, and may always.</param>
    /// <param name="host">Tells when to let the clients go.</param>
    /// <param name="clock">Measures how long ago a stream was acknowledged.</param>
    /// <param name="logger">Hears of connections that were lost.</param>
    /// <exception cref="FormatException">An item of the list is no origin.</exception>
    public SyncGateway(
        IHttpForwarder forwarder, Func<Uri> functions, string? origins, IHostApplicationLifetime host, TimeProvider clock, ILogger<SyncGateway> logger)
    {
        (_forwarder, _functions, _host, _clock, _logger) = (forwarder, functions, host, clock, logger);
        _origins = AllowedOrigins.TryParse(origins, out var allowed) ? allowed : throw new FormatException("No list of origins.");
    }

    /// <summary>Forwards an upgrade that is meant for the gateway.</summary>
    /// <returns>False when the request is not, and nothing was done.</returns>
    public async Task<bool> TryForwardAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (!IsUpgrade(context) || Route(context.Request) is not var (negotiatePath, token)) return false;
        if (!IsAllowed(context.Request))
        {
            await RefuseAsync(context.Response, 403, "Forbidden", ErrorCodes.Unauthorized, "Pages of this origin may not open a socket here.");
            return true;
        }

        using var negotiate = new HttpRequestMessage(HttpMethod.Post, new Uri(_functions(), negotiatePath));
        if (token is not null) negotiate.Headers.TryAddWithoutValidation("Authorization", token);
        try
        {
            using var answer = await _negotiation.SendAsync(negotiate, context.RequestAborted);
            if (!answer.IsSuccessStatusCode)
            {
                await PassOnAsync(answer, context.Response);
                return true;
            }

            var negotiated = JsonSerializer.Deserialize(await answer.Content.ReadAsByteArrayAsync(context.RequestAborted), RestJson.Default.NegotiateResponse);
            var target = new UriBuilder(negotiated!.Url);

            // An SDK client acknowledges by itself, in a form of its own.
            var isBare = context.WebSockets is { IsWebSocketRequest: true, WebSocketRequestedProtocols.Count: 0 };
            await (isBare && context.Request.Path.Equals(StreamPath, StringComparison.OrdinalIgnoreCase) ? PaceAsync(context, target) : ForwardAsync(context, target));
        }
        catch (Exception failure) when (failure is HttpRequestException or JsonException or UriFormatException
            || (failure is OperationCanceledException && !context.RequestAborted.IsCancellationRequested))
        {
            LogUnreachable(failure.GetType().Name);
            await RefuseAsync(context.Response, 502, "Bad gateway", ErrorCodes.Internal, "The sync backend does not answer.");
        }

        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _negotiation.Dispose();
        _webPubSub.Dispose();
    }

    private static bool IsUpgrade(HttpContext context)
        => HttpMethods.IsConnect(context.Request.Method)
            ? context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true, Protocol: "websocket" }
            : HttpMethods.IsGet(context.Request.Method)
                && context.Request.Headers.Upgrade.ToString().Equals("websocket", StringComparison.OrdinalIgnoreCase);

    // Browsers apply no CORS to sockets: who does not want every page there has to refuse it. The gateway's own pages are at its host.
    private bool IsAllowed(HttpRequest request)
        => request.Headers.Origin.ToString() is not { Length: > 0 } origin || _origins.IsEmpty || _origins.Allow(origin)
            || (Uri.TryCreate(origin, UriKind.Absolute, out var page) && page.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase));

    // A browser cannot set the header of a WebSocket, so that the live socket takes its token in the query.
    private static (string NegotiatePath, string? Authorization)? Route(HttpRequest request)
    {
        if (request.Path.Equals(StreamPath, StringComparison.OrdinalIgnoreCase))
            return ("/v1/sync/stream/negotiate", Header(request));
        if (request.Path.Value?.Split('/') is ["", "apps", var app, "ws"] && AppId.TryParse(app, out _))
            return ($"/apps/{app}/sync/live/negotiate", request.Query["token"].ToString() is { Length: > 0 } token ? "Bearer " + token : Header(request));
        return null;
    }

    private static string? Header(HttpRequest request) => request.Headers.Authorization.ToString() is { Length: > 0 } header ? header : null;

    private async Task PaceAsync(HttpContext context, UriBuilder target)
    {
        target.Scheme = target.Scheme is "wss" or "https" ? "wss" : "ws";
        using var pubSub = new ClientWebSocket();
        pubSub.Options.Proxy = null;
        pubSub.Options.CollectHttpResponseDetails = true;
        (pubSub.Options.KeepAliveInterval, pubSub.Options.KeepAliveTimeout) = (PingInterval, IdlePatience);
        try
        {
            using var patience = new CancellationTokenSource(HandshakePatience, _clock);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, patience.Token);
            await pubSub.ConnectAsync(target.Uri, both.Token);
        }
        catch (WebSocketException failure)
        {
            LogUnreachable(failure.GetType().Name);
            if (pubSub.HttpStatusCode == HttpStatusCode.TooManyRequests)
            {
                await RefuseAsOneTooManyAsync(context.Response);
                return;
            }

            var status = (int)pubSub.HttpStatusCode is >= 400 and var refused ? refused : StatusCodes.Status502BadGateway;
            await RefuseAsync(context.Response, status, "Bad gateway", ErrorCodes.Internal, "Web PubSub does not take the connection.");
            return;
        }

        // Compressing what an attacker may have a part in beside a secret would tell its length: a stream holds no secret but events.
        var accept = new WebSocketAcceptContext { DangerousEnableCompression = true, KeepAliveInterval = PingInterval, KeepAliveTimeout = PingPatience };
        using var client = await context.WebSockets.AcceptWebSocketAsync(accept);
        using var relay = new PacedRelay(client, pubSub, _clock);
        if (await relay.RunAsync(_host.ApplicationStopping) == RelayEnd.Lost) LogLost();
    }

    private async Task ForwardAsync(HttpContext context, UriBuilder target)
    {
        target.Scheme = target.Scheme is "wss" or "https" ? "https" : "http";
        var config = new ForwarderRequestConfig { ActivityTimeout = IdlePatience, Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        var error = await _forwarder.SendAsync(context, target.Uri.GetLeftPart(UriPartial.Authority), _webPubSub, config, new ToTarget(target.Uri), context.RequestAborted);
        if (error is not (ForwarderError.None or ForwarderError.UpgradeRequestClient or ForwarderError.UpgradeResponseClient
            or ForwarderError.UpgradeRequestCanceled or ForwarderError.UpgradeResponseCanceled or ForwarderError.UpgradeActivityTimeout))
        {
            LogForwardFailed(error);
        }
    }

    private static async Task PassOnAsync(HttpResponseMessage answer, HttpResponse response)
    {
        response.StatusCode = (int)answer.StatusCode;
        response.ContentType = answer.Content.Headers.ContentType?.ToString();
        foreach (var name in new[] { "WWW-Authenticate", "Retry-After" })
        {
            if (answer.Headers.TryGetValues(name, out var values)) response.Headers[name] = values.ToArray();
        }

        await answer.Content.CopyToAsync(response.Body, response.HttpContext.RequestAborted);
    }

    // The event handler counts a connection as a call; Web PubSub passes on the status alone, and not when to come again.
    private static Task RefuseAsOneTooManyAsync(HttpResponse response)
    {
        response.Headers.RetryAfter = "1";
        return RefuseAsync(response, StatusCodes.Status429TooManyRequests, "Too many calls", ErrorCodes.RateLimited, "Slow down and try again.");
    }

    private static Task RefuseAsync(HttpResponse response, int status, string title, string code, string detail)
        => Results.Json(new Problem(title, status, detail, code), RestJson.Default.Problem, Problem.MediaType, status).ExecuteAsync(response.HttpContext);

    [LoggerMessage(401, LogLevel.Error, "The sync backend could not be asked to negotiate: {Failure}")]
    private partial void LogUnreachable(string failure);

    [LoggerMessage(402, LogLevel.Warning, "A connection to Web PubSub was lost: {Error}")]
    private partial void LogForwardFailed(ForwarderError error);

    [LoggerMessage(403, LogLevel.Warning, "The connection of a stream to Web PubSub was lost")]
    private partial void LogLost();

    /// <summary>Sends the upgrade to the negotiated URL. The caller's token stays here: Web PubSub has its own in the URL.</summary>
    private sealed class ToTarget(Uri target) : HttpTransformer
    {
        public override async ValueTask TransformRequestAsync(
            HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            proxyRequest.RequestUri = target;
            proxyRequest.Headers.Host = null;
            proxyRequest.Headers.Authorization = null;
            proxyRequest.Headers.Remove("Cookie");
            proxyRequest.Headers.Remove("Origin");
        }

        public override async ValueTask<bool> TransformResponseAsync(
            HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
        {
            if (proxyResponse?.StatusCode != HttpStatusCode.TooManyRequests)
                return await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
            await RefuseAsOneTooManyAsync(httpContext.Response);
            return false;
        }
    }
}

/// <summary>Puts the gateway into a pipeline.</summary>
public static class SyncGatewayExtensions
{
    /// <summary>Registers the gateway.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="functions">The address of the functions.</param>
    /// <param name="origins">Comma list of the origins whose pages may open a socket; null or empty for every one.</param>
    public static IServiceCollection AddSyncGateway(this IServiceCollection services, Func<IServiceProvider, Uri> functions, string? origins = null)
    {
        services.AddHttpForwarder();
        return services.AddSingleton(provider => new SyncGateway(
            provider.GetRequiredService<IHttpForwarder>(), () => functions(provider), origins, provider.GetRequiredService<IHostApplicationLifetime>(),
            provider.GetService<TimeProvider>() ?? TimeProvider.System, provider.GetRequiredService<ILogger<SyncGateway>>()));
    }

    /// <summary>Lets the gateway take what is meant for it.</summary>
    public static IApplicationBuilder UseSyncGateway(this IApplicationBuilder app)
        => app.UseWebSockets().Use(async (context, next) =>
        {
            if (!await context.RequestServices.GetRequiredService<SyncGateway>().TryForwardAsync(context)) await next(context);
        });
}
