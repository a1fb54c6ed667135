using Dequeue.Contracts.Rest;
using Dequeue.Functions.Telemetry;
using Dequeue.Sync.Log;
using Dequeue.Sync.Pushing;

namespace Dequeue.Functions.Pushing;

/// <summary>Stores what was pushed, over REST or over a live connection. The log tells <see cref="Live.LivePublisher"/> of it.</summary>
public sealed class PushIntake(EventLog events, SyncTelemetry telemetry, TimeProvider clock)
{
    /// <summary>Stores a push. What it acknowledges is durable.</summary>
    /// <returns>The answer, or the end of the log when that is another one than the push was meant for: then nothing is stored.</returns>
    /// <exception cref="Sync.Storage.StorageUnavailableException">The storage did not answer: nothing is acknowledged; ids make it safe to repeat.</exception>
    public async Task<(PushResponse? Answer, LogHead Log)> StoreAsync(LogKey log, ReceivedPush.Valid push, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(push);
        using var span = SyncTelemetry.Spans.StartActivity("push");
        var (began, isStored) = (clock.GetTimestamp(), false);
        AppendResult result;
        try
        {
            result = await events.AppendAsync(log, push.Events, push.Epoch, cancellationToken);
            isStored = !result.IsOtherLog;
        }
        finally
        {
            telemetry.Pushed(push.Events.Count, push.Rejected.Count, !isStored, began);
        }

        if (result.IsOtherLog) return (null, result.Head);
        var answer = new PushResponse(
            [.. push.Events.Select(stored => stored.Id.Value)],
            [.. push.Rejected.Select(rejected => rejected.Id)],
            [.. push.Rejected.Select(rejected => rejected.Why)])
        {
            Epoch = push.AsksForEpoch ? result.Head.Epoch : null,
        };
        return (answer, result.Head);
    }
}
