using Dequeue.Contracts;
using Dequeue.Contracts.Rest;

namespace Dequeue.Sync.Log.Checking;

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
