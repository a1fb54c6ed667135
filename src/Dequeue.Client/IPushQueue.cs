using Dequeue.Contracts.Events;

namespace Dequeue.Client;

/// <summary>An event that waits to be pushed.</summary>
/// <param name="Number">Its place in the queue: rises with each event.</param>
/// <param name="Id">Its id.</param>
/// <param name="Json">Its bytes.</param>
public readonly record struct QueuedEvent(long Number, string Id, ReadOnlyMemory<byte> Json);

/// <summary>The events that a device made and the server has not answered yet, oldest first. Survives the app where it can.</summary>
public interface IPushQueue
{
    /// <summary>Adds events at the end, all or none.</summary>
    /// <param name="events">Events with an id. Their bytes may be kept.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask EnqueueAsync(IReadOnlyList<SyncEvent> events, CancellationToken cancellationToken);

    /// <summary>Reads the oldest events without removing them.</summary>
    /// <param name="count">How many at most.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask<IReadOnlyList<QueuedEvent>> PeekAsync(int count, CancellationToken cancellationToken);

    /// <summary>Removes the events up to a number, which the server has answered.</summary>
    ValueTask RemoveThroughAsync(long number, CancellationToken cancellationToken);

    /// <summary>How many wait.</summary>
    ValueTask<long> CountAsync(CancellationToken cancellationToken);
}
