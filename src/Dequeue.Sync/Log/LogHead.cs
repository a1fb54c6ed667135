using Dequeue.Contracts;
using Dequeue.Sync.Log.Checking;

namespace Dequeue.Sync.Log;

/// <summary>The end of a log.</summary>
/// <param name="Count">Events in the log.</param>
/// <param name="Last">The commit position of the last event; <see cref="Checkpoint.Beginning"/> for an empty log.</param>
/// <param name="LastEventId">The id of the last event; null for an empty log.</param>
/// <param name="LastDeviceTimeMs">The last event's <c>ts</c> in Unix milliseconds; null for an empty log.</param>
public sealed record LogHead(long Count, Checkpoint Last, string? LastEventId, long? LastDeviceTimeMs)
{
    /// <summary>Most UTF-8 bytes of <see cref="ActiveStackId"/>: no stack with a longer id is taken for active.</summary>
    public const int MaxStackIdBytes = Limits.EntityIdBytes;

    /// <summary>The head of a log that nothing was pushed to.</summary>
    public static LogHead Empty { get; } = new(0, Checkpoint.Beginning, null, null) { Digest = RunningDigest.Empty.Hex, Bytes = 0 };

    /// <summary>
    /// The <see cref="Contracts.Events.EventDigest"/> of the whole log, 64 lower-case hex digits; null for a log that a version
    /// without it has written to.
    /// </summary>
    public string? Digest { get; init; }

    /// <summary>The bytes of all events, without anything in between; null where <see cref="Digest"/> is.</summary>
    public long? Bytes { get; init; }

    /// <summary>
    /// The position of the last sealed page, which like all before it never changes again; <see cref="Checkpoint.Beginning"/> when
    /// none is, or when a version that did not note it has written to the log since.
    /// </summary>
    public Checkpoint SealedThrough { get; init; } = Checkpoint.Beginning;

    /// <summary>
    /// Which log this is: made with it, another one after an erase, the same after a restore. Null for a log without events, and for one
    /// that only versions without epochs have written to, or one of them wrote last: then it is not known just now.
    /// </summary>
    public string? Epoch { get; init; }

    /// <summary>False when the log is known to have another epoch, or there is no log.</summary>
    public bool MayHaveEpoch(string epoch) => Epoch == epoch || (Epoch is null && Count > 0);

    /// <summary>
    /// The stack that was activated last and has not been deactivated, completed, closed, discarded or deleted since, in commit
    /// order: at most <see cref="MaxStackIdBytes"/>. Null when there is none, or when it was activated by way of a version that
    /// did not note it.
    /// </summary>
    public string? ActiveStackId { get; init; }
}
