using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.Contracts.Rest;
using Dequeue.Contracts.Streaming;
using Dequeue.Functions.Configuration;
using Dequeue.Functions.Http;
using Dequeue.Functions.Pushing;
using Dequeue.Functions.Streaming;
using Dequeue.Sync.Log;
using Dequeue.Sync.Pushing;
using Dequeue.Sync.Storage;
using Dequeue.Sync.Streaming;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Upstream;

/// <summary>The event handler of the hub: everything that Web PubSub tells about its clients arrives here.</summary>
public sealed partial class UpstreamFunction(
    UpstreamSignature signature, StreamSteps steps, StreamRegistry registry, EventLog events, PushIntake intake, ILogger<UpstreamFunction> logger)
{
    /// <summary>The path that the hub's event handler is registered with.</summary>
    public const string Route = "webpubsub/events";

    /// <summary>Web PubSub carries no larger message.</summary>
    private const int MaxBodyBytes = 1024 * 1024;

    /// <summary>
    /// Events that the handler streams at once. More would not fit one window, so that a long stream is a durable one from its
    /// start.
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
        if (!signature.IsValid(request.Headers)) return Problems.Unauthenticated(tokenWasGiven: true);
        if (UpstreamEvent.Read(request.Headers, WebPubSubSettings.Hub) is not { } upstream) return Problems.Invalid("The headers describe no event of this hub.");
        try
        {
            return upstream switch
            {
                { Kind: UpstreamKind.System, Name: "connect" } => await ConnectAsync(request, upstream, cancellationToken),
                { Kind: UpstreamKind.System, Name: "disconnected" } => await DisconnectedAsync(upstream, durable, cancellationToken),
                { Kind: UpstreamKind.User, Log: { } log } => await MessageAsync(request, upstream, upstream.Target(log), durable, cancellationToken),
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
        if (!request.Headers["WebHook-Request-Origin"].ToString().Equals(signature.ServiceHost, StringComparison.OrdinalIgnoreCase)) return Results.BadRequest();
        request.HttpContext.Response.Headers["WebHook-Allowed-Origin"] = signature.ServiceHost;
        return Results.Ok();
    }

    // The connection joins its own group here: that costs nothing, a REST call later would cost a round trip of every stream.
    private static async Task<IResult> ConnectAsync(HttpRequest request, UpstreamEvent upstream, CancellationToken cancellationToken)
    {
        if (upstream.Log is null) return Problems.Unauthenticated(tokenWasGiven: true);
        if (await RequestBody.ReadAsync(request, MaxBodyBytes, cancellationToken) is not { } body) return Problems.TooLarge(MaxBodyBytes);
        return Results.Json(ConnectReply.For(upstream.ConnectionId, body), ConnectJson.Default.ConnectReply);
    }

    private async Task<IResult> DisconnectedAsync(UpstreamEvent upstream, DurableTaskClient durable, CancellationToken cancellationToken)
    {
        var instance = StreamTarget.InstanceOf(upstream.ConnectionId);
        if (await durable.GetInstanceAsync(instance, cancellation: cancellationToken) is { IsRunning: true })
        {
            try
            {
                await durable.TerminateInstanceAsync(instance, "The connection was closed.", cancellationToken);
            }
            catch (Exception refused) when (refused is not OperationCanceledException)
            {
                // It ended in between: the client's type for this refusal is internal, and nothing is left to do.
                LogEndedByItself(upstream.ConnectionId, refused.GetType().Name);
            }
        }

        await registry.ForgetAsync(upstream.ConnectionId, cancellationToken);
        return Results.NoContent();
    }

    private async Task<IResult> MessageAsync(
        HttpRequest request, UpstreamEvent upstream, StreamTarget target, DurableTaskClient durable, CancellationToken cancellationToken)
    {
        if (await RequestBody.ReadAsync(request, MaxBodyBytes, cancellationToken) is not { } body) return Problems.TooLarge(MaxBodyBytes);
        if (upstream.Name == "message" && PushBody.Read(body, target.Log().User) is PushBody.Valid push)
            return Results.Json(await intake.StoreAsync(target.Log(), push, cancellationToken), RestJson.Default.PushResponse);
        switch (StreamRequest.Read(body.Span, typeIsKnown: upstream.Name == StreamRequest.Type))
        {
            case StreamRequestReading.Accepted accepted:
                await StreamAsync(target with { Encoding = BatchEncodings.Choose(accepted.Request.Encodings) }, accepted.Request, durable, cancellationToken);
                break;
            case StreamRequestReading.Refused refused:
                await steps.RefuseAsync(new StreamFailure(target, refused.Code, refused.Message), cancellationToken);
                break;
        }

        return Results.NoContent();
    }

    private async Task StreamAsync(StreamTarget target, StreamRequest request, DurableTaskClient durable, CancellationToken cancellationToken)
    {
        StreamClaim claim;
        StreamPlan plan;
        try
        {
            var planning = StreamPlan.MakeAsync(events, target.Log(), request.Since, cancellationToken);
            claim = await registry.BeginAsync(target.ConnectionId, target.RequestId, cancellationToken);
            plan = await planning;
        }
        catch (StorageUnavailableException)
        {
            await steps.RefuseAsync(new StreamFailure(target, ErrorCodes.DbError, "The event log does not answer."), cancellationToken);
            return;
        }

        if (claim == StreamClaim.Repeated) return;
        if (claim == StreamClaim.Busy)
        {
            await steps.RefuseAsync(new StreamFailure(target, ErrorCodes.InvalidRequest, "A stream is running on this connection."), cancellationToken);
            return;
        }

        try
        {
            var order = new StreamOrder(target, request.Since);
            if (plan.TotalEvents <= InlineEvents)
            {
                var progress = await steps.SendWindowAsync(await steps.BeginAsync(target, plan, cancellationToken), cancellationToken);
                if (progress.IsSent)
                {
                    await steps.CompleteAsync(progress, cancellationToken);
                    return;
                }

                order = order with { Begun = progress };
            }

            await durable.ScheduleNewOrchestrationInstanceAsync(nameof(StreamSync), order, new StartOrchestrationOptions(target.InstanceId), cancellationToken);
        }
        catch (StorageUnavailableException)
        {
            await steps.FailAsync(new StreamFailure(target, ErrorCodes.DbError, "The event log does not answer."), cancellationToken);
        }
    }

    [LoggerMessage(303, LogLevel.Debug, "Stream on {Connection} was not terminated: {Reason}")]
    private partial void LogEndedByItself(string connection, string reason);

    [LoggerMessage(301, LogLevel.Error, "Event {Event} of connection {Connection} failed")]
    private partial void LogFailed(Exception failure, string @event, string connection);
}
