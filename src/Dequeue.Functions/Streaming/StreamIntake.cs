using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Dequeue.Functions.Configuration;
using Dequeue.Functions.Http;
using Dequeue.Functions.Telemetry;
using Dequeue.Sync.Log;
using Dequeue.Sync.Storage;
using Dequeue.Sync.Streaming;

namespace Dequeue.Functions.Streaming;

/// <summary>
/// Takes requests for a stream, or refuses them: here alone that is decided. What is taken is planned and announced at once. What fits one window is sent at
/// once too, and so is what was asked for first; the rest goes on as <see cref="StreamSync"/>, whose steps survive the death of a process.
/// </summary>
public sealed partial class StreamIntake(
    StreamSteps steps, StreamRegistry registry, CallLimiter limiter, BackendSettings settings, ILogger<StreamIntake> logger)
{
    /// <summary>More events do not fit one window.</summary>
    private const int InlineEvents = StreamLimits.WindowBatches * StreamLimits.MaxBatchEvents;

    /// <summary>Begins a stream, unless one runs on the connection or the user has too many.</summary>
    /// <param name="target">Where it goes.</param>
    /// <param name="request">What was asked for.</param>
    /// <param name="durable">The task hub.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task BeginAsync(StreamTarget target, StreamRequest request, DurableTaskClient durable, CancellationToken cancellationToken)
    {
        target = target with { Options = StreamOptions.Of(request) };
        StreamClaim claim;
        try
        {
            claim = await registry.BeginAsync(target.Log(), target.ConnectionId, target.RequestId, settings.StreamsPerUser, cancellationToken);
        }
        catch (StorageUnavailableException)
        {
            await steps.RefuseAsync(Unavailable(target), cancellationToken);
            return;
        }

        switch (claim)
        {
            case StreamClaim.Granted:
                await RunAsync(target, request, durable, cancellationToken);
                break;
            case StreamClaim.Busy:
                var busy = new StreamMessage.Refused("request", "A stream is running on this connection.", ErrorCodes.InvalidRequest);
                await steps.RefuseAsync(target, busy, cancellationToken);
                break;
            case StreamClaim.TooMany:
                var tooMany = new StreamFailure(target, ErrorCodes.RateLimited, $"At most {settings.StreamsPerUser} streams run at once.");
                await steps.RefuseAsync(tooMany, cancellationToken);
                break;

            // A delivery that came again.
            default:
                break;
        }
    }

    // The connection is claimed: whatever is begun from here on ends with the stream.
    private async Task RunAsync(StreamTarget target, StreamRequest request, DurableTaskClient durable, CancellationToken cancellationToken)
    {
        try
        {
            // Before the stream's end is fixed: an event is in the stream or comes live, if not both.
            if (target.Options.IsLive && !await steps.JoinLiveAsync(target, cancellationToken))
            {
                await steps.LeaveAsync(target, cancellationToken);
                return;
            }

            var plan = await steps.PlanAsync(target, request.Since, request.Claim, cancellationToken);
            if (Refusal(target, plan) is { } refusal) await steps.FailAsync(refusal, cancellationToken);
            else await SendAsync(plan.TotalEvents > InlineEvents ? AsDurable(target) : target, plan, durable, cancellationToken);
        }
        catch (StorageUnavailableException)
        {
            await steps.FailAsync(Unavailable(target), cancellationToken);
        }
        catch (Exception failure) when (failure is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // Else the connection would stay claimed, and its client wait, until the sweep.
            LogFailed(failure, target.ConnectionId);
            await steps.FailAsync(new StreamFailure(target, ErrorCodes.Internal, "The stream failed."), cancellationToken);
        }
    }

    private StreamFailure? Refusal(StreamTarget target, StreamPlan plan)
        => plan.IsOtherHistory ? StreamFailure.OtherHistory(target, plan)
            : limiter.Charge(target.Log(), WorthOf(plan)) is not null
                ? new StreamFailure(target, ErrorCodes.RateLimited, "Too many events in too short a time; try again.")
            : null;

    private async Task SendAsync(StreamTarget target, StreamPlan plan, DurableTaskClient durable, CancellationToken cancellationToken)
    {
        var progress = await steps.BeginAsync(target, plan, cancellationToken);
        var isWaitedFor = plan.TotalEvents <= InlineEvents || plan.PriorityEvents > 0;
        if (isWaitedFor && StreamStep.After(progress, isWaiting: false) is StreamStep.Send) progress = await steps.SendWindowAsync(progress, cancellationToken);
        switch (StreamStep.After(progress, isWaiting: false))
        {
            case StreamStep.Complete:
                await steps.CompleteAsync(progress, cancellationToken);
                break;
            case StreamStep.Fail fail:
                await steps.FailAsync(fail.Failure, cancellationToken);
                break;
            default:
                var order = new StreamOrder(AsDurable(target), progress with { Target = AsDurable(target) }) { AckPatience = settings.AckPatience };
                await durable.StartStreamAsync(order, cancellationToken);
                break;
        }
    }

    // As many calls as its pages would be by REST; but a long history may always be had, by whoever asks for nothing else meanwhile.
    private long WorthOf(StreamPlan plan)
    {
        var read = plan is { Compact.Keep.Count: > 0, HistoryEvents: { } all } ? all : plan.TotalEvents;
        return Math.Min(read / StreamLimits.MaxBatchEvents, limiter.Burst / 2);
    }

    private static StreamFailure Unavailable(StreamTarget target) => new(target, ErrorCodes.DbError, "The event log does not answer.");

    private static StreamTarget AsDurable(StreamTarget target) => target with { Trace = target.Trace! with { IsDurable = true } };

    [LoggerMessage(205, LogLevel.Error, "The request of connection {Connection} for a stream failed", EventName = "205")]
    private partial void LogFailed(Exception failure, string connection);
}
