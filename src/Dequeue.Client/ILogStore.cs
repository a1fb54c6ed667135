using Dequeue.Contracts;
using Dequeue.Contracts.Events;

namespace Dequeue.Client;

/// <summary>What a store knows of the log that its events are of.</summary>
/// <param name="Epoch">The log's epoch; null while the store belongs to none.</param>
/// <param name="Position">How many events of the log lie up to the store's checkpoint, those that the filter left out included; null when
/// that is not known.</param>
public readonly record struct LogMark(string? Epoch, long? Position);

/// <summary>
/// A store that knows whose it is: it remembers its log's epoch and how much of it it holds. So another user's, app's or server's log, and
/// one that was erased or put back, are noticed before anything is written or pushed.
/// </summary>
public interface ILogStore : IEventStore
{
    /// <summary>Reads what the store knows of its log.</summary>
    ValueTask<LogMark> LoadMarkAsync(CancellationToken cancellationToken);

    /// <summary>
    /// The same as <see cref="IEventStore.SaveAsync"/>, with the mark that goes with the checkpoint, in the same transaction. A checkpoint
    /// that is saved without a mark, by any other member, makes the position unknown.
    /// </summary>
    /// <param name="events">Events with an id.</param>
    /// <param name="checkpoint">The position after them, or null to leave checkpoint and mark where they are.</param>
    /// <param name="mark">What is known of the log at that checkpoint.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask<IReadOnlyList<SyncEvent>> SaveAsync(
        IReadOnlyList<SyncEvent> events, Checkpoint? checkpoint, LogMark mark, CancellationToken cancellationToken);

    /// <summary>Makes the store one of this log, if it belongs to none.</summary>
    ValueTask AdoptAsync(string epoch, CancellationToken cancellationToken);

    /// <summary>Reads a part of what was saved.</summary>
    /// <param name="first">The place of its first event, from 0, in the order saved.</param>
    /// <param name="count">How many at most.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask<IReadOnlyList<SyncEvent>> ReadEventsAsync(long first, int count, CancellationToken cancellationToken);

    /// <summary>
    /// Forgets events, checkpoint, cursors and log, so that another log can be taken. Events that were not sent yet are kept where
    /// <see cref="IPushQueue.RefusedAsync"/> shows them: they were made for the old log, and no one sends them to the new one.
    /// </summary>
    /// <param name="reason">Why they were not sent, one sentence.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How many were not sent.</returns>
    ValueTask<long> BeginAnewAsync(string reason, CancellationToken cancellationToken);
}
