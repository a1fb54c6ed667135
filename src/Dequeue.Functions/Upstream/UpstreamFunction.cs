using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.Contracts.Rest;
using Dequeue.Contracts.Streaming;
using Dequeue.Functions.Auth;
using Dequeue.Functions.Configuration;
using Dequeue.Functions.Http;
using Dequeue.Functions.Live;
using Dequeue.Functions.Pushing;
using Dequeue.Functions.Streaming;
using Dequeue.Functions.Telemetry;
using Dequeue.Sync.Log;
using Dequeue.Sync.Pushing;
using Dequeue.Sync.Storage;
using Dequeue.Sync.Streaming;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Upstream;

/// <summary>The event handler of the hub: everything that Web PubSub tells about its clients arrives here.</summary>
/// <remarks>
/// Web PubSub delivers at least once, so every event may come again, at any time. Repeated, <c>connect</c> answers the same and
/// changes nothing; a request starts no second stream while its connection lives (its row in <see cref="StreamRegistry"/> keeps the
/// delivery id), and afterwards sends into a group that nobody is in until the sweep removes the row; a push is stored once by its
/// event ids; an acknowledgement stands for all before it; <c>disconnected</c> ends a stream that nobody reads.
/// </remarks>
public sealed partial class UpstreamFunction(
    UpstreamProof proof,
    StreamIntake streams,
    StreamSteps steps,
    StreamRegistry registry,
    PushIntake intake,
    RequestBodies bodies,
    CallLimiter limiter,
    AbsentUsers absent,
    BackendSettings settings,
    SyncTelemetry telemetry,
    TimeProvider clock,
    ILogger<UpstreamFunction> logger)
{
    /// <summary>The path that the hub's event handler is registered with.</summary>
    public const string Route = "webpubsub/events";

    /// <summary>Web PubSub carries no larger message.</summary>
    private const int MaxBodyBytes = 1024 * 1024;

    /// <summary>Answers an event, or the service's question whether it may send events at all (OPTIONS).</summary>
    [Function("WebPubSubEvents")]
    public async Task<IResult> HandleAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", "options", Route = Route)] HttpRequest request,
        [DurableClient] DurableTaskClient durable,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (HttpMethods.IsOptions(request.Method)) return Validate(request);
        try
        {
            if (await proof.RefusalAsync(request.Headers, cancellationToken) is { } why)
            {
                LogRefused(why);
                return Problems.Unauthenticated(tokenWasGiven: true);
            }
        }
        catch (IssuerUnavailableException failure)
        {
            LogIssuerUnavailable(failure);
            return Problems.IssuerUnavailable();
        }

        if (UpstreamEvent.Read(request.Headers, WebPubSubSettings.Hub, settings.Apps) is not { } upstream) return Problems.Invalid("The headers describe no event of this hub.");
        try
        {
            return upstream switch
            {
                { Kind: UpstreamKind.System, Name: "connect" } => await ConnectAsync(request, upstream, cancellationToken),
                { Kind: UpstreamKind.System, Name: "disconnected" } => await DisconnectedAsync(upstream, durable, cancellationToken),
                { Kind: UpstreamKind.User, Log: { } log } => await MessageAsync(request, upstream, log, durable, cancellationToken),
                { Kind: UpstreamKind.User } => Problems.Unauthenticated(tokenWasGiven: true),
                _ => Results.NoContent(),
            };
        }
        catch (Exception failure)
        {
            // A call that was given up, or a host that stops, is no failure; gRPC says it with an exception of its own.
            if (!cancellationToken.IsCancellationRequested) LogFailed(failure, upstream.Name, upstream.ConnectionId);
            return Problems.Internal();
        }
    }

    private IResult Validate(HttpRequest request)
    {
        if (!request.Headers["WebHook-Request-Origin"].ToString().Equals(proof.ServiceHost, StringComparison.OrdinalIgnoreCase)) return Results.BadRequest();
        request.HttpContext.Response.Headers["WebHook-Allowed-Origin"] = proof.ServiceHost;
        return Results.Ok();
    }

    // The connection joins its own group here: that costs nothing, a REST call later would cost a round trip of every stream.
    private async Task<IResult> ConnectAsync(HttpRequest request, UpstreamEvent upstream, CancellationToken cancellationToken)
    {
        if (upstream.Log is not { } log) return Problems.Unauthenticated(tokenWasGiven: true);
        if (limiter.Charge(log) is { } wait) return Problems.TooManyCalls(wait);
        absent.Expect(log);
        var body = await bodies.ReadAsync(request, log, MaxBodyBytes, cancellationToken);
        return body.Refusal ?? Results.Json(ConnectReply.For(upstream.ConnectionId, body.Bytes), ConnectJson.Default.ConnectReply);
    }

    private async Task<IResult> DisconnectedAsync(UpstreamEvent upstream, DurableTaskClient durable, CancellationToken cancellationToken)
    {
        if (await durable.EndStreamAsync(upstream.ConnectionId, "The connection was closed.", cancellationToken))
            telemetry.StreamFailed(StreamTrace.OfDurable, SyncTelemetry.Left);

        if (upstream.Log is { } log) await registry.ForgetAsync(log, upstream.ConnectionId, cancellationToken);
        return Results.NoContent();
    }

    private async Task<IResult> MessageAsync(
        HttpRequest request, UpstreamEvent upstream, LogKey log, DurableTaskClient durable, CancellationToken cancellationToken)
    {
        var body = await bodies.ReadAsync(request, log, MaxBodyBytes, cancellationToken);
        if (body.Refusal is not null) return body.Refusal;
        var message = SocketMessage.Of(upstream.Name, body.Bytes.Span);
        var asked = new Asked(upstream.Target(log, StreamTrace.Begin(clock)), message.Kind);
        if (limiter.Charge(log) is not null) return await RefuseAsync(asked, ErrorCodes.RateLimited, "Too many messages; slow down and try again.", cancellationToken);
        switch (message.Kind)
        {
            case SocketMessageKind.Ack:
                if (StreamAck.Read(body.Bytes.Span, typeIsKnown: true, out _) is not { } ack)
                    return await RefuseAsync(asked, ErrorCodes.InvalidRequest, "An acknowledgement has a batchIndex, a whole number from 0.", cancellationToken);
                if (!await durable.AcknowledgeAsync(upstream.ConnectionId, ack.BatchIndex, cancellationToken)) LogNobodyWaits(upstream.ConnectionId, ack.BatchIndex);
                return Results.NoContent();
            case SocketMessageKind.Push:
                return ReceivedPush.Read(body.Bytes, log.User) switch
                {
                    ReceivedPush.Malformed malformed => await RefuseAsync(asked, ErrorCodes.InvalidRequest, malformed.Why, cancellationToken),
                    ReceivedPush.Valid push => await intake.StoreAsync(log, push, cancellationToken) is { Answer: { } answer }
                        ? Results.Json(answer, RestJson.Default.PushResponse)
                        : await RefuseAsync(asked, ErrorCodes.HistoryChanged, Problems.OtherHistory, cancellationToken),
                    var other => throw new InvalidOperationException($"No answer for {other}."),
                };
            case SocketMessageKind.Request:
                using (SyncTelemetry.Spans.StartActivity("stream.request"))
                {
                    return StreamRequest.Read(body.Bytes.Span, typeIsKnown: true) switch
                    {
                        StreamRequestReading.Accepted accepted => await StreamAsync(accepted.Request),
                        StreamRequestReading.Refused refused => await RefuseAsync(asked, refused.Code, refused.Message, cancellationToken),
                        var other => throw new InvalidOperationException($"No answer for {other}."),
                    };
                }

            default:
                return await RefuseAsync(asked, ErrorCodes.InvalidRequest, message.Why, cancellationToken);
        }

        async Task<IResult> StreamAsync(StreamRequest asks)
        {
            // Its trace is that of the span around this.
            await streams.BeginAsync(upstream.Target(log, StreamTrace.Begin(clock)), asks, durable, cancellationToken);
            return Results.NoContent();
        }
    }

    // Whoever asked for a stream, or may have meant to, waits for one; an error tells that none comes. But it would end one that runs.
    private async Task<IResult> RefuseAsync(Asked asked, string code, string why, CancellationToken cancellationToken)
    {
        var mayWait = asked.Kind is SocketMessageKind.Request or SocketMessageKind.Unknown;
        await (mayWait && !await IsRunningAsync(asked.Target, cancellationToken)
            ? steps.RefuseAsync(new StreamFailure(asked.Target, code, why), cancellationToken)
            : steps.RefuseAsync(asked.Target, new StreamMessage.Refused(NameOf(asked.Kind), why, code), cancellationToken));
        return Results.NoContent();
    }

    private async Task<bool> IsRunningAsync(StreamTarget target, CancellationToken cancellationToken)
    {
        try
        {
            return await registry.IsRunningAsync(target.Log(), target.ConnectionId, cancellationToken);
        }
        catch (StorageUnavailableException)
        {
            return false;
        }
    }

    private static string NameOf(SocketMessageKind kind)
        => kind switch
        {
            SocketMessageKind.Request => "request",
            SocketMessageKind.Ack => "ack",
            SocketMessageKind.Push => "push",
            _ => "message",
        };

    [LoggerMessage(301, LogLevel.Error, "Event {Event} of connection {Connection} failed", EventName = "301")]
    private partial void LogFailed(Exception failure, string @event, string connection);

    [LoggerMessage(302, LogLevel.Warning, "A call to the event handler was refused: {Why}", EventName = "302")]
    private partial void LogRefused(string why);

    [LoggerMessage(303, LogLevel.Error, "The issuer of Web PubSub's tokens does not answer", EventName = "303")]
    private partial void LogIssuerUnavailable(Exception failure);

    /// <summary>A message that came, and where its answer goes.</summary>
    private sealed record Asked(StreamTarget Target, SocketMessageKind Kind);

    [LoggerMessage(304, LogLevel.Debug, "No stream on {Connection} waits for the acknowledgement of batch {Batch}", EventName = "304")]
    private partial void LogNobodyWaits(string connection, int batch);
}
