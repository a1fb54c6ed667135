using Dequeue.Contracts;
using Dequeue.Sync.Log;

namespace Dequeue.Sync.Streaming;

/// <summary>A stream's fixed frame: what was in the log when it was asked for.</summary>
/// <param name="Since">Where the client stands.</param>
/// <param name="End">The head at planning time. Events committed later belong to the next sync.</param>
/// <param name="TotalEvents">Events in between.</param>
/// <param name="EndPosition">Events of the log up to its end.</param>
public sealed record StreamPlan(Checkpoint Since, Checkpoint End, long TotalEvents, long EndPosition)
{
    /// <summary>Plans a stream: at most two row reads, whatever the length of the history.</summary>
    /// <exception cref="Storage.StorageUnavailableException">The storage did not answer.</exception>
    public static async Task<StreamPlan> MakeAsync(EventLog events, LogKey log, Checkpoint since, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        var head = await events.ReadHeadAsync(log, cancellationToken);
        return head.Count == 0 || since >= head.Last
            ? new StreamPlan(since, Positions.NotPast(since, head), 0, head.Count)
            : new StreamPlan(since, head.Last, await events.CountAfterAsync(log, head, since, cancellationToken), head.Count);
    }
}
