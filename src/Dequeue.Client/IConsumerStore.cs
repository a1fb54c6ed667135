using Dequeue.Contracts.Events;

namespace Dequeue.Client;

/// <summary>What a named consumer gets next.</summary>
/// <param name="Place">How many of the store's events the consumer has done with: where <paramref name="Events"/> begin.</param>
/// <param name="Edition">The store's edition that they were read from: another one after each <see cref="IEventStore.RewindAsync"/> and
/// <see cref="IEventStore.ReplaceAsync"/>.</param>
/// <param name="Events">The events after that place, in the order saved; empty at the end.</param>
public readonly record struct ConsumerPage(long Place, long Edition, IReadOnlyList<SyncEvent> Events);

/// <summary>
/// A store that keeps how far named consumers have come: see <see cref="SyncManager.WatchAsync(string?, CancellationToken)"/>. A cursor
/// is a count of events in the order saved. Where events are taken back or replaced, the cursors behind the first of them return to it in
/// the same transaction, so that what comes in their place is handed out.
/// </summary>
public interface IConsumerStore
{
    /// <summary>Reads the next events of a consumer; one that is not known begins at the first event.</summary>
    /// <param name="consumer">Its name.</param>
    /// <param name="count">How many at most.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask<ConsumerPage> ReadAsync(string consumer, int count, CancellationToken cancellationToken);

    /// <summary>Moves a consumer's cursor, if the store's edition is still this one.</summary>
    /// <param name="consumer">Its name.</param>
    /// <param name="edition">The edition that it read from.</param>
    /// <param name="place">How many events it has done with now.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>False when the edition is another: read again, from where the cursor stands.</returns>
    ValueTask<bool> MoveAsync(string consumer, long edition, long place, CancellationToken cancellationToken);
}
