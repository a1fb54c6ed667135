using Dequeue.Contracts;

namespace Dequeue.Sync.Log.Reading;

/// <summary>
/// Some events of a log, by their commit positions: 8 bytes each. It stays right whatever is appended or folded. Made by
/// <see cref="EventLog.SelectAsync"/>.
/// </summary>
public sealed class EventSelection
{
    private readonly long[] _ticks;
    private readonly long[] _pages;

    /// <summary>A selection.</summary>
    /// <param name="ticks">The events' commit ticks, rising.</param>
    /// <param name="pages">Ticks of the sealed pages that hold them, rising. All events after the last of these are elsewhere.</param>
    internal EventSelection(long[] ticks, long[] pages) => (_ticks, _pages) = (ticks, pages);

    /// <summary>No event.</summary>
    public static EventSelection None { get; } = new([], []);

    /// <summary>How many events are selected.</summary>
    public int Count => _ticks.Length;

    /// <summary>How many of them lie after one position and not after another.</summary>
    public int CountBetween(Checkpoint after, Checkpoint through) => Math.Max(0, CountThrough(through.Ticks) - CountThrough(after.Ticks));

    /// <summary>Whether the event committed there is one of them.</summary>
    public bool Contains(Checkpoint position) => Has(position.Ticks);

    /// <summary>Those of them that lie after one position and not after another.</summary>
    public EventSelection Between(Checkpoint after, Checkpoint through)
    {
        var (start, end) = (CountThrough(after.Ticks), CountThrough(through.Ticks));
        return start == 0 && end == Count ? this : new EventSelection(start < end ? _ticks[start..end] : [], _pages);
    }

    /// <summary>Those of them that another selection has too.</summary>
    public EventSelection And(EventSelection other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new EventSelection(Array.FindAll(_ticks, tick => other.Has(tick)), _pages);
    }

    /// <summary>Those of them that another selection does not have.</summary>
    public EventSelection Without(EventSelection other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new EventSelection(Array.FindAll(_ticks, tick => !other.Has(tick)), _pages);
    }

    private bool Has(long tick) => Array.BinarySearch(_ticks, tick) >= 0;

    /// <summary>The sealed pages that are known to hold selected events of a range, and the range of the others.</summary>
    internal (IReadOnlyList<long> Pages, long RestAfter, long RestThrough) Places(Checkpoint after, Checkpoint through)
    {
        var pages = new List<long>();
        var (at, end) = (CountThrough(after.Ticks), CountThrough(through.Ticks));
        while (at < end)
        {
            // Pages do not overlap and are in order, so that the first one that ends at or after an event holds it.
            var page = Array.BinarySearch(_pages, _ticks[at]);
            page = page < 0 ? ~page : page;
            if (page == _pages.Length) return (pages, _ticks[at] - 1, _ticks[end - 1]);
            pages.Add(_pages[page]);
            at = CountThrough(_pages[page]);
        }

        return (pages, 0, 0);
    }

    private int CountThrough(long tick)
    {
        var at = Array.BinarySearch(_ticks, tick);
        return at < 0 ? ~at : at + 1;
    }
}
