namespace Dequeue.Sync.Log;

/// <summary>What an append did. Every event of the call is stored now, unless it was meant for another log.</summary>
/// <param name="Head">The log's end after the call's last transaction.</param>
/// <param name="Committed">What this call newly stored, in commit order, for live publishing.</param>
/// <param name="AlreadyStored">How many of the call's events were stored before it, or stand twice in it.</param>
public sealed record AppendResult(LogHead Head, IReadOnlyList<EventPage> Committed, int AlreadyStored)
{
    /// <summary>True when the log has another epoch than the call named: then nothing of the call is stored.</summary>
    public bool IsOtherLog { get; init; }
}
