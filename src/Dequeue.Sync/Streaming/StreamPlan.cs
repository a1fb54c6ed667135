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
    /// <summary>Bytes of an event that are reckoned with for a log that does not know its own: a little more than usual.</summary>
    private const int UsualEventBytes = 600;

    /// <summary>About how many bytes of JSON the events are.</summary>
    public long Bytes { get; init; }

    /// <summary>Whole pages up to here never change again.</summary>
    public Checkpoint SealedThrough { get; init; } = Checkpoint.Beginning;

    /// <summary>Plans a stream: at most two row reads, whatever the length of the history.</summary>
    /// <exception cref="Storage.StorageUnavailableException">The storage did not answer.</exception>
    public static async Task<StreamPlan> MakeAsync(EventLog events, LogKey log, Checkpoint since, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        var head = await events.ReadHeadAsync(log, cancellationToken);
        if (head.Count == 0 || since >= head.Last) return new StreamPlan(since, Positions.NotPast(since, head), 0, head.Count);
        var count = await events.CountAfterAsync(log, head, since, cancellationToken);
        return new StreamPlan(since, head.Last, count, head.Count)
        {
            Bytes = head.Bytes is { } bytes ? (long)((double)bytes * count / head.Count) : count * UsualEventBytes,
            SealedThrough = head.SealedThrough,
        };
    }
}
