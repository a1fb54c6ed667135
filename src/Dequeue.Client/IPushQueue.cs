using Dequeue.Contracts.Events;

namespace Dequeue.Client;

/// <summary>An event that waits to be pushed.</summary>
/// <param name="Number">Its place in the queue: rises with each event.</param>
/// <param name="Id">Its id.</param>
/// <param name="Json">Its bytes.</param>
public readonly record struct QueuedEvent(long Number, string Id, ReadOnlyMemory<byte> Json);

/// <summary>An event that left the queue because the server will never take it.</summary>
/// <param name="Number">The place that it had in the queue.</param>
/// <param name="Id">Its id.</param>
/// <param name="Reason">The server's reason, one sentence.</param>
/// <param name="Json">Its bytes.</param>
public readonly record struct RefusedEvent(long Number, string Id, string Reason, ReadOnlyMemory<byte> Json);

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

    /// <summary>
    /// Removes the events up to a number, and keeps those of them that the server refused where the app can see them, in one
    /// transaction. The others were sent: see <see cref="SentAsync"/>. A queue that keeps none removes them all: <see cref="FlushResult.Rejected"/> and the log tell of them then.
    /// </summary>
    /// <param name="number">The last to leave.</param>
    /// <param name="refused">Those of them to keep aside, in order.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask RemoveThroughAsync(long number, IReadOnlyList<RefusedEvent> refused, CancellationToken cancellationToken)
        => RemoveThroughAsync(number, cancellationToken);

    /// <summary>
    /// The events that the server has acknowledged and no pull has brought back yet, oldest first. A queue that keeps them can have them
    /// pushed again when the server was put back meanwhile; one that does not, answers none.
    /// </summary>
    ValueTask<IReadOnlyList<QueuedEvent>> SentAsync(CancellationToken cancellationToken)
        => ValueTask.FromResult<IReadOnlyList<QueuedEvent>>([]);

    /// <summary>
    /// Forgets the sent events up to a number, now that a pull has brought all that the server has of them: what the store does not hold
    /// goes back into the queue, before the others, because the server has lost it.
    /// </summary>
    /// <param name="number">The last of them.</param>
    /// <param name="requeue">Whether the store holds all that a pull brings; else they are all forgotten.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How many went back.</returns>
    ValueTask<long> SettleAsync(long number, bool requeue, CancellationToken cancellationToken) => ValueTask.FromResult(0L);

    /// <summary>Reads the refused events, oldest first.</summary>
    ValueTask<IReadOnlyList<RefusedEvent>> RefusedAsync(CancellationToken cancellationToken)
        => ValueTask.FromResult<IReadOnlyList<RefusedEvent>>([]);

    /// <summary>Forgets the refused events up to a number, once the app has dealt with them.</summary>
    ValueTask ForgetRefusedAsync(long number, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}
