using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Client.Live;

/// <summary>Events that follow what the store has, without a gap.</summary>
/// <param name="Since">The position before them.</param>
/// <param name="Checkpoint">The position after them.</param>
/// <param name="Events">The events, at least one.</param>
/// <param name="Mark">What is known of the log after them.</param>
internal readonly record struct LiveEvents(Checkpoint Since, Checkpoint Checkpoint, IReadOnlyList<SyncEvent> Events, LogMark Mark);

/// <summary>
/// Puts live batches into the log's order by their positions: two server processes may tell of their commits in either order, and
/// Web PubSub may lose a message. What does not follow yet is kept aside.
/// </summary>
/// <param name="position">Events of the log that the device has.</param>
/// <param name="checkpoint">The position after them.</param>
/// <param name="epoch">The log's epoch; null when it is not known.</param>
internal sealed class LiveOrder(long position, Checkpoint checkpoint, string? epoch)
{
    /// <summary>Batches kept aside. More are dropped: they are asked for then.</summary>
    private const int MaxAhead = 1000;

    private readonly PriorityQueue<StreamMessage.Live, long> _ahead = new();

    /// <summary>Whether something that should come before is missing.</summary>
    public bool HasGap => _ahead.TryPeek(out _, out var before) && before > position;

    /// <summary>
    /// Whether a batch came that is not of the history that the device has: of another epoch, or with events that should be known but were
    /// committed after all that is. Asking the log tells more.
    /// </summary>
    public bool HasOther { get; private set; }

    /// <summary>What is kept aside.</summary>
    public IEnumerable<StreamMessage.Live> Ahead => _ahead.UnorderedItems.Select(static item => item.Element);

    /// <summary>Takes a batch.</summary>
    public void Add(StreamMessage.Live batch)
    {
        if (epoch is not null && batch.Epoch is not null && batch.Epoch != epoch)
        {
            HasOther = true;
            return;
        }

        epoch ??= batch.Epoch;
        if (_ahead.Count < MaxAhead) _ahead.Enqueue(batch, batch.Before);
    }

    /// <summary>Gives the next events that follow, once each.</summary>
    public LiveEvents? Next()
    {
        while (_ahead.TryPeek(out var batch, out var before) && before <= position)
        {
            _ = _ahead.Dequeue();
            var end = before + batch.Events.Count;
            if (end <= position)
            {
                HasOther |= batch.Checkpoint > checkpoint;
                continue;
            }

            var since = checkpoint;
            var events = before == position ? batch.Events : [.. batch.Events.Skip((int)(position - before))];
            (position, checkpoint) = (end, batch.Checkpoint);
            return new LiveEvents(since, checkpoint, events, new LogMark(epoch, position));
        }

        return null;
    }
}
