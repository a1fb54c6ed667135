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
    UpstreamCaller caller,
    StreamSteps steps,
    StreamRegistry registry,
    PushIntake intake,
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

    /// <summary>
    /// Events that the handler streams at once. More would not fit one window, so that a long stream in the log's own order is a
    /// durable one from its start.
    /// </summary>
    private const int InlineEvents = StreamLimits.WindowBatches * StreamLimits.MaxBatchEvents;

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
            if (await caller.RefusalAsync(request.Headers, cancellationToken) is { } why)
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

        if (UpstreamEvent.Read(request.Headers, WebPubSubSettings.Hub) is not { } upstream) return Problems.Invalid("The headers describe no event of this hub.");
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
        catch (Exception failure) when (failure is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            LogFailed(failure, upstream.Name, upstream.ConnectionId);
            return Problems.Internal();
        }
    }

    private IResult Validate(HttpRequest request)
    {
        if (!request.Headers["WebHook-Request-Origin"].ToString().Equals(caller.ServiceHost, StringComparison.OrdinalIgnoreCase)) return Results.BadRequest();
        request.HttpContext.Response.Headers["WebHook-Allowed-Origin"] = caller.ServiceHost;
        return Results.Ok();
    }

    // The connection joins its own group here: that costs nothing, a REST call later would cost a round trip of every stream.
    private async Task<IResult> ConnectAsync(HttpRequest request, UpstreamEvent upstream, CancellationToken cancellationToken)
    {
        if (upstream.Log is not { } log) return Problems.Unauthenticated(tokenWasGiven: true);
        absent.Expect(log);
        if (await RequestBody.ReadAsync(request, MaxBodyBytes, cancellationToken) is not { } body) return Problems.TooLarge(MaxBodyBytes);
        return Results.Json(ConnectReply.For(upstream.ConnectionId, body), ConnectJson.Default.ConnectReply);
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
        if (await RequestBody.ReadAsync(request, MaxBodyBytes, cancellationToken) is not { } body) return Problems.TooLarge(MaxBodyBytes);
        if (StreamAck.Read(body.Span, typeIsKnown: upstream.Name == StreamAck.Type, out var isAck) is { } ack)
        {
            if (!await durable.AcknowledgeAsync(upstream.ConnectionId, ack.BatchIndex, cancellationToken)) LogNobodyWaits(upstream.ConnectionId, ack.BatchIndex);
            return Results.NoContent();
        }

        using var span = SyncTelemetry.Spans.StartActivity("stream.request");
        var target = upstream.Target(log, StreamTrace.Begin(clock));
        if (isAck || upstream.Name == StreamAck.Type)
        {
            await steps.RefuseAsync(new StreamFailure(target, ErrorCodes.InvalidRequest, "An acknowledgement has a batchIndex, a whole number from 0."), cancellationToken);
            return Results.NoContent();
        }

        if (upstream.Name == "message" && PushBody.Read(body, log.User) is PushBody.Valid push)
            return Results.Json(await intake.StoreAsync(log, push, cancellationToken), RestJson.Default.PushResponse);
        switch (StreamRequest.Read(body.Span, typeIsKnown: upstream.Name == StreamRequest.Type))
        {
            case StreamRequestReading.Accepted accepted:
                await StreamAsync(target with { Options = StreamOptions.Of(accepted.Request) }, accepted.Request, durable, cancellationToken);
                break;
            case StreamRequestReading.Refused refused:
                await steps.RefuseAsync(new StreamFailure(target, refused.Code, refused.Message), cancellationToken);
                break;
        }

        return Results.NoContent();
    }

    private async Task StreamAsync(StreamTarget target, StreamRequest request, DurableTaskClient durable, CancellationToken cancellationToken)
    {
        StreamClaim? claim = null;
        StreamPlan plan;
        try
        {
            // Before the stream's end is fixed: an event is in the stream or comes live, if not both.
            if (target.Options.IsLive) await steps.JoinLiveAsync(target, cancellationToken);
            var planning = steps.PlanAsync(target, request.Since, cancellationToken);
            claim = await registry.BeginAsync(target.Log(), target.ConnectionId, target.RequestId, settings.StreamsPerUser, cancellationToken);
            plan = await planning;
        }
        catch (StorageUnavailableException)
        {
            var failure = new StreamFailure(target, ErrorCodes.DbError, "The event log does not answer.");
            await (claim == StreamClaim.Granted ? steps.FailAsync(failure, cancellationToken) : steps.RefuseAsync(failure, cancellationToken));
            return;
        }

        if (claim == StreamClaim.Repeated) return;
        if (claim != StreamClaim.Granted)
        {
            var (code, text) = claim == StreamClaim.Busy
                ? (ErrorCodes.InvalidRequest, "A stream is running on this connection.")
                : (ErrorCodes.RateLimited, $"At most {settings.StreamsPerUser} streams run at once.");
            await steps.RefuseAsync(new StreamFailure(target, code, text), cancellationToken);
            return;
        }

        try
        {
            var order = new StreamOrder(target, request.Since) { AckPatience = settings.AckPatience };

            // Of a long stream too what comes first is sent at once: somebody waits for it.
            if (plan.TotalEvents <= InlineEvents || plan.PriorityEvents > 0)
            {
                var progress = await steps.SendWindowAsync(await steps.BeginAsync(target, plan, cancellationToken), cancellationToken);
                if (progress.IsSent)
                {
                    await steps.CompleteAsync(progress, cancellationToken);
                    return;
                }

                order = order with { Begun = progress };
            }

            order = order with { Target = AsDurable(target), Begun = order.Begun is { } begun ? begun with { Target = AsDurable(target) } : null };
            await durable.StartStreamAsync(order, cancellationToken);
        }
        catch (StorageUnavailableException)
        {
            await steps.FailAsync(new StreamFailure(target, ErrorCodes.DbError, "The event log does not answer."), cancellationToken);
        }
        catch (Exception failure) when (failure is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // Else the connection would stay claimed, and its client wait, until the sweep.
            LogFailed(failure, StreamRequest.Type, target.ConnectionId);
            await steps.FailAsync(new StreamFailure(target, ErrorCodes.Internal, "The stream failed."), cancellationToken);
        }
    }

    private static StreamTarget AsDurable(StreamTarget target) => target with { Trace = target.Trace! with { IsDurable = true } };

    [LoggerMessage(301, LogLevel.Error, "Event {Event} of connection {Connection} failed")]
    private partial void LogFailed(Exception failure, string @event, string connection);

    [LoggerMessage(302, LogLevel.Warning, "A call to the event handler was refused: {Why}")]
    private partial void LogRefused(string why);

    [LoggerMessage(303, LogLevel.Error, "The issuer of Web PubSub's tokens does not answer")]
    private partial void LogIssuerUnavailable(Exception failure);

    [LoggerMessage(304, LogLevel.Debug, "No stream on {Connection} waits for the acknowledgement of batch {Batch}")]
    private partial void LogNobodyWaits(string connection, int batch);
}
