namespace Dequeue.Sync.Pushing;

/// <summary>An event that was not stored.</summary>
/// <param name="Id">Its id as far as it could be read, else an empty string.</param>
/// <param name="Why">One sentence.</param>
public readonly record struct RefusedEvent(string Id, string Why);
