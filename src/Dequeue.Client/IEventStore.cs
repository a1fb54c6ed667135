using Dequeue.Contracts;
using Dequeue.Contracts.Events;

namespace Dequeue.Client;

/// <summary>How far a store has come.</summary>
/// <param name="Checkpoint">The position saved last; <see cref="Contracts.Checkpoint.Beginning"/> for a new store.</param>
/// <param name="Events">How many events it holds.</param>
public readonly record struct StorePosition(Checkpoint Checkpoint, long Events);

/// <summary>Events that take the place of others.</summary>
/// <param name="First">The place of the first to go, from 0, in the order saved.</param>
/// <param name="Count">How many go.</param>
/// <param name="Events">What stands there then, in order.</param>
public readonly record struct Replacement(long First, long Count, IReadOnlyList<SyncEvent> Events);

/// <summary>
/// Where a device keeps its events: the app's own database, <see cref="InMemoryEventStore"/>, or a ready SQLite one. One pull
/// at a time uses it.
/// </summary>
public interface IEventStore
{
    /// <summary>Reads how far the store has come.</summary>
    ValueTask<StorePosition> LoadAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Saves events in the order given, leaving out those whose id is already there, and the checkpoint, in one transaction:
    /// after a crash either both are there or neither.
    /// </summary>
    /// <param name="events">Events with an id. Their bytes may be kept: nobody writes to them again.</param>
    /// <param name="checkpoint">The position after them, or null to leave it where it is.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Those that were new, in order; the very same list when all were.</returns>
    ValueTask<IReadOnlyList<SyncEvent>> SaveAsync(IReadOnlyList<SyncEvent> events, Checkpoint? checkpoint, CancellationToken cancellationToken);

    /// <summary>
    /// Takes back what was saved since <see cref="LoadAsync"/> answered <paramref name="position"/>, because the stream that
    /// brought it turned out not to be true. A store that cannot take events back only moves the checkpoint: what was missing
    /// then comes late.
    /// </summary>
    ValueTask RewindAsync(StorePosition position, CancellationToken cancellationToken);

    /// <summary>
    /// Puts other events in the place of some that were saved, and moves the checkpoint, in one transaction. First all that
    /// <paramref name="parts"/> name is taken out, then their events are put in, leaving out those whose id is still there.
    /// </summary>
    /// <param name="parts">Parts that do not overlap, rising; their places are those before the call.</param>
    /// <param name="checkpoint">The position, forward or back.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The events that were put in, or null from a store that cannot do this and has changed nothing: what the stream brought
    /// is taken back as a whole then.</returns>
    ValueTask<IReadOnlyList<SyncEvent>?> ReplaceAsync(IReadOnlyList<Replacement> parts, Checkpoint checkpoint, CancellationToken cancellationToken)
        => ValueTask.FromResult<IReadOnlyList<SyncEvent>?>(null);

    /// <summary>The <see cref="EventDigest"/> of a part of what was saved, read from where it is kept.</summary>
    /// <param name="first">The place of its first event, from 0, in the order saved.</param>
    /// <param name="count">How many it has, at least 1.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The digest, or null from a store that cannot do this; what the stream brought is taken back as a whole then.</returns>
    ValueTask<string?> DigestAsync(long first, long count, CancellationToken cancellationToken) => ValueTask.FromResult<string?>(null);
}
