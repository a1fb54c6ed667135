using Dequeue.Contracts;
using Dequeue.Contracts.Events;

namespace Dequeue.Client;

/// <summary>Saves with a mark where the store can keep one.</summary>
internal static class LogStoreSaving
{
    public static ValueTask<IReadOnlyList<SyncEvent>> SaveMarkedAsync(
        this IEventStore store, IReadOnlyList<SyncEvent> events, Checkpoint? checkpoint, LogMark mark, CancellationToken cancellationToken)
    {
        if (store is ILogStore known) return known.SaveAsync(events, checkpoint, mark, cancellationToken);
        return store.SaveAsync(events, checkpoint, cancellationToken);
    }
}
