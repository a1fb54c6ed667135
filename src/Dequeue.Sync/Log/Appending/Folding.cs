using Dequeue.Contracts;
using Dequeue.Sync.Log.Rows;

namespace Dequeue.Sync.Log.Appending;

/// <summary>
/// Decides which of the small pages at a log's end a transaction folds into the page that it writes. Pages have a tier by size:
/// under 16, under 256, larger, each 16 times the one before. A new page swallows the smaller tiers at the end, and with 15 of
/// its own tier it folds them all. So an event is written once per tier and once more when its page is sealed, at most
/// <see cref="MaxWritesPerEvent"/> times whatever the mix of pushes; and the tail stays within <see cref="MaxTailPages"/>.
/// </summary>
internal static class Folding
{
    /// <summary>Most events of one page: the most that one pull may ask for.</summary>
    public const int MaxPageEvents = Limits.EventsTogether;

    /// <summary>Most bytes of a page's events: 900 KiB, which fits a row of 1 MiB even when it cannot be compressed.</summary>
    public const int MaxPageBytes = 900 * 1024;

    /// <summary>A tail of so many bytes is sealed, so that one more event of any size always fits an unsealed tail.</summary>
    public const int SealBytes = MaxPageBytes - EventLog.MaxEventBytes;

    /// <summary>Pages of one tier that make one of the next.</summary>
    public const int Base = 16;

    /// <summary>How often an event is written at most: in three tiers and in the sealed page.</summary>
    public const int MaxWritesPerEvent = 4;

    /// <summary>Most unsealed pages: 15 of each lower tier, and of the highest as many as an unsealed tail can hold (7).</summary>
    public const int MaxTailPages = 37;

    /// <summary>What the next transaction may add to <paramref name="tail"/>, so that the whole tail still fits one page.</summary>
    /// <param name="tail">The unsealed pages, oldest first.</param>
    /// <param name="writesEpoch">Whether the transaction writes the log's epoch too, as once in its life.</param>
    public static (int Events, int Bytes) Room(IReadOnlyList<TailPage> tail, bool writesEpoch = false)
    {
        var (events, bytes) = Total(tail, 0, 0, 0);

        // The head row, the new page, a delete for each tail page and an id row for each event make the transaction.
        var operations = Storage.TableLimits.Operations - 2 - (writesEpoch ? 1 : 0) - tail.Count;
        return (Math.Min(MaxPageEvents - events, operations), MaxPageBytes - bytes - (tail.Count > 0 ? 1 : 0));
    }

    /// <summary>How many of the last tail pages go into the new page, and whether it is sealed then.</summary>
    /// <param name="tail">The unsealed pages, oldest first.</param>
    /// <param name="newEvents">Events of the transaction, within <see cref="Room"/>.</param>
    /// <param name="newBytes">Their bytes, joined by commas.</param>
    public static (int Pages, bool IsSealed) Plan(IReadOnlyList<TailPage> tail, int newEvents, int newBytes)
    {
        var (allEvents, allBytes) = Total(tail, 0, newEvents, newBytes);
        if (allEvents == MaxPageEvents || allBytes >= SealBytes) return (tail.Count, true);

        var first = tail.Count;
        while (true)
        {
            var (events, bytes) = Total(tail, first, newEvents, newBytes);
            var tier = Tier(events, bytes);
            if (first > 0 && Tier(tail[first - 1].Count, tail[first - 1].Bytes) < tier)
            {
                first--;
                continue;
            }

            var run = first;
            while (run > 0 && Tier(tail[run - 1].Count, tail[run - 1].Bytes) == tier) run--;
            if (first - run < Base - 1) return (tail.Count - first, false);
            first = run;
        }
    }

    private static int Tier(int events, int bytes)
    {
        // Bytes count beside events, so that big events move up as fast as many small ones; sizes add up when pages are folded.
        var size = events + (int)((long)bytes * MaxPageEvents / MaxPageBytes);
        return size < Base ? 0 : size < Base * Base ? 1 : 2;
    }

    private static (int Events, int Bytes) Total(IReadOnlyList<TailPage> tail, int first, int events, int bytes)
    {
        for (var i = first; i < tail.Count; i++)
        {
            bytes += tail[i].Bytes + (events > 0 ? 1 : 0);
            events += tail[i].Count;
        }

        return (events, bytes);
    }
}
