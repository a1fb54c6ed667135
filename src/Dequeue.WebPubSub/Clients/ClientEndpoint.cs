using System.Net.WebSockets;
using System.Security.Cryptography;
using Dequeue.WebPubSub.Hubs;
using Dequeue.WebPubSub.Tokens;
using Dequeue.WebPubSub.Upstream;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Dequeue.WebPubSub.Clients;

/// <summary>The address that clients open their WebSocket at: checks the token, asks the application, runs the connection.</summary>
internal sealed class ClientEndpoint(ServiceContext service)
{
    private const string ConnectionIdParameter = "awps_connection_id";
    private const string ReconnectionTokenParameter = "awps_reconnection_token";
    private const string AccessTokenParameter = "access_token";

    /// <summary>Handles a handshake, and the connection until its socket has ended.</summary>
    public async Task HandleAsync(HttpContext context, string? hubName)
    {
        if (!context.WebSockets.IsWebSocketRequest || !Names.TryHub(hubName, out var hub))
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
        }
        else if (service.IsStopping)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        }
        else if (context.Request.Query[ConnectionIdParameter].LastOrDefault() is { Length: > 0 } connectionId)
        {
            // The SDKs leave the first, maybe expired, access token in the URL: it does not count here.
            await RecoverAsync(context, hub, connectionId);
        }
        else
        {
            await ConnectAsync(context, hub);
        }
    }

    private async Task ConnectAsync(HttpContext context, string hub)
    {
        var query = context.Request.Query;
        var token = query[AccessTokenParameter].LastOrDefault() ?? Bearer.Read(context.Request);
        if (!service.TryReadToken(token, out var claims) || !Audience.MatchesHub(claims, hub) || claims.UserId is { } id && !Names.IsUser(id))
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        if (SimpleMode.Read(query) is not { } mode || !claims["webpubsub.group"].All(Names.IsGroup))
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        var identity = new UpstreamIdentity(hub, RandomNumberGenerator.GetHexString(32, lowercase: true)) { UserId = claims.UserId };
        var offered = context.WebSockets.WebSocketRequestedProtocols;
        var outcome = await service.Upstream.ConnectAsync(identity, Describe(context, claims), context.RequestAborted);
        if (outcome is ConnectOutcome.Refused(var status))
        {
            context.Response.StatusCode = status;
            return;
        }

        var accepted = (ConnectOutcome.Accepted)outcome;
        identity.UserId = accepted.UserId switch { null => identity.UserId, "" => null, var user => user };
        identity.Subprotocol = accepted.Subprotocol ?? Subprotocols.FirstKnown(offered);
        var kind = Subprotocols.KindOf(identity.Subprotocol);
        using var session = NewSession(context, kind);
        var connection = new ClientConnection(service, service.Hubs[hub], kind, identity, accepted.Roles ?? claims["role"]);
        connection.Start(session);

        // Known before the handshake is answered: a client that is in can be reached.
        connection.Hub.Register(connection, accepted.Groups ?? claims["webpubsub.group"]);
        if (service.IsStopping) connection.Close(CloseReason.ServerStops);
        WebSocket socket;
        try
        {
            socket = await AcceptAsync(context, identity.Subprotocol);
        }
        catch
        {
            connection.Close(CloseReason.ByClient("The handshake failed."));
            throw;
        }

        connection.Events.Connected();
        await RunAsync(context, connection, session, socket, mode);
    }

    private async Task RecoverAsync(HttpContext context, string hub, string connectionId)
    {
        var token = context.Request.Query[ReconnectionTokenParameter].LastOrDefault() ?? "";
        var connection = service.Hubs.Find(hub)?.Find(connectionId) is { } found && found.AcceptsReconnection(token) ? found : null;
        var subprotocol = connection?.Subprotocol ?? Subprotocols.FirstKnown(context.WebSockets.WebSocketRequestedProtocols);
        using var session = NewSession(context, connection?.Kind ?? ClientKind.Simple);
        var socket = await AcceptAsync(context, subprotocol);
        if (connection is not null && connection.TryRecover(session))
        {
            await RunAsync(context, connection, session, socket, new SimpleMode(null, false));
            return;
        }

        // An HTTP error would have the SDKs try the same again for half a minute.
        session.Close(WebSocketCloseStatus.PolicyViolation, "The connection cannot be recovered.");
        await session.RunAsync(socket, static (_, _, _) => ValueTask.CompletedTask, context.RequestAborted);
    }

    private async Task RunAsync(HttpContext context, ClientConnection connection, ClientSession session, WebSocket socket, SimpleMode mode)
    {
        SessionEnd end = default;
        try
        {
            end = connection.Kind == ClientKind.Simple
                ? await session.RunAsync(socket, new SimpleProtocol(connection, mode).ReceiveAsync, context.RequestAborted)
                : await session.RunAsync(socket, new JsonProtocol(connection, session, service.Logger).ReceiveAsync, context.RequestAborted);
        }
        finally
        {
            connection.Detach(session, end);
        }
    }

    private ClientSession NewSession(HttpContext context, ClientKind kind)
        => new(context.Features.GetRequiredFeature<IHttpRequestLifetimeFeature>(), kind, service);

    private Task<WebSocket> AcceptAsync(HttpContext context, string? subprotocol)
        => context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
        {
            SubProtocol = subprotocol,
            KeepAliveInterval = service.Options.KeepAliveInterval,
            KeepAliveTimeout = service.Options.KeepAliveTimeout,
        });

    private static ConnectBody Describe(HttpContext context, TokenClaims claims) => new(
        claims.All,
        context.Request.Query.Where(pair => !pair.Key.Equals(AccessTokenParameter, StringComparison.OrdinalIgnoreCase))
            .ToDictionary(pair => pair.Key, pair => (IReadOnlyList<string>)[.. pair.Value.OfType<string>()]),
        context.Request.Headers.Where(pair => !pair.Key.Equals("Authorization", StringComparison.OrdinalIgnoreCase))
            .ToDictionary(pair => pair.Key, pair => (IReadOnlyList<string>)[.. pair.Value.OfType<string>()]),
        [.. context.WebSockets.WebSocketRequestedProtocols]);
}
