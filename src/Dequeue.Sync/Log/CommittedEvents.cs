namespace Dequeue.Sync.Log;

/// <summary>What a transaction stored newly.</summary>
/// <param name="Epoch">The epoch of the log that it is in.</param>
/// <param name="Events">The events, in commit order.</param>
public readonly record struct CommittedEvents(string? Epoch, EventPage Events);
