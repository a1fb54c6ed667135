using Dequeue.Contracts;

namespace Dequeue.Sync.Log;

/// <summary>The digest of a run of events.</summary>
/// <param name="Checkpoint">Where the run ends, as it was asked for; it begins after the one before.</param>
/// <param name="Count">Its events.</param>
/// <param name="Digest">Their <see cref="Contracts.Events.EventDigest"/>, 64 lower-case hex digits.</param>
public sealed record RangeDigest(Checkpoint Checkpoint, int Count, string Digest);

/// <summary>What became of a call for the digests of ranges.</summary>
public abstract record RangeDigests
{
    private RangeDigests()
    {
    }

    /// <summary>The digests.</summary>
    /// <param name="Ranges">One for each checkpoint, in order.</param>
    public sealed record Known(IReadOnlyList<RangeDigest> Ranges) : RangeDigests;

    /// <summary>A range has more than <see cref="EventLog.MaxRangeEvents"/> events. Nothing was read but positions.</summary>
    /// <param name="Checkpoint">Where the range ends.</param>
    public sealed record TooManyEvents(Checkpoint Checkpoint) : RangeDigests;
}
