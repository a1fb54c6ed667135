using Dequeue.Contracts;
using Dequeue.Sync.Storage;

namespace Dequeue.Functions.Streaming;

/// <summary>
/// The durable orchestration of a long stream: windows go out, positions and acknowledgements come back. Deterministic: no I/O, no
/// clock but the orchestration's own, no ids, no settings, and no event of a log ever enters its history.
/// </summary>
public static class StreamSync
{
    /// <summary>Attempts of one step. With <see cref="FirstRetry"/> doubling they span about 15 s: longer than a restart of the
    /// service, shorter than a client's patience.</summary>
    private const int Attempts = 5;

    /// <summary>Windows and acknowledgements after which the orchestration starts over from its progress. Every step replays the
    /// history, which so stays at some hundred rows however long the stream is, and whatever its client sends.</summary>
    private const int HistoryLimit = 100;

    /// <summary>The activity that began a stream in earlier versions. There is none of this name any more: an instance that was under way goes on from its
    /// history, and one that had not yet begun fails, so that its client asks again.</summary>
    private const string BeganHere = "PlanStream";

    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);

    /// <summary>Runs one stream.</summary>
    [Function(nameof(StreamSync))]
    public static async Task RunAsync([OrchestrationTrigger] TaskOrchestrationContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var order = context.GetInput<StreamOrder>() ?? throw new InvalidOperationException("A stream without an order.");
        var retries = TaskOptions.FromRetryPolicy(new RetryPolicy(Attempts, FirstRetry, backoffCoefficient: 2));
        try
        {
            var progress = order.Begun ?? await context.CallActivityAsync<StreamProgress>(BeganHere, order, retries);
            using var acks = new AckInbox(context);
            var (windows, ackBy) = (0, order.AckBy);
            while (true)
            {
                var acknowledged = progress.Acknowledged;
                progress = acks.TakeAll(progress);
                var step = StreamStep.After(progress, isWaiting: ackBy is not null);
                if (step is StreamStep.Complete)
                {
                    await context.CallActivityAsync(nameof(StreamActivities.CompleteStream), progress, retries);
                    return;
                }

                if (step is StreamStep.Fail { Failure: var failure })
                {
                    await context.CallActivityAsync(nameof(StreamActivities.FailStream), failure, retries);
                    return;
                }

                // Each acknowledgement gives its client time for the next one.
                if (step is StreamStep.Send) ackBy = null;
                else if (ackBy is null || progress.Acknowledged > acknowledged) ackBy = context.CurrentUtcDateTime + order.AckPatience;

                if (windows + acks.Taken >= HistoryLimit)
                {
                    context.ContinueAsNew(order with { Begun = progress, AckBy = ackBy });
                    return;
                }

                if (ackBy is null)
                {
                    progress = await context.CallActivityAsync<StreamProgress>(nameof(StreamActivities.SendWindow), progress, retries);
                    windows++;
                }
                else if (!await acks.ArriveAsync(ackBy.Value))
                {
                    var silence = new StreamFailure(order.Target, ErrorCodes.StreamTimeout, $"Nothing was acknowledged for {order.AckPatience.TotalSeconds} seconds.");
                    await context.CallActivityAsync(nameof(StreamActivities.FailStream), silence, retries);
                    return;
                }
            }
        }
        catch (TaskFailedException failed)
        {
            var failure = failed.FailureDetails.IsCausedBy<StorageUnavailableException>()
                ? new StreamFailure(order.Target, ErrorCodes.DbError, "The event log does not answer.")
                : new StreamFailure(order.Target, ErrorCodes.Internal, "The stream failed.");
            await context.CallActivityAsync(nameof(StreamActivities.FailStream), failure, retries);
        }
    }
}
