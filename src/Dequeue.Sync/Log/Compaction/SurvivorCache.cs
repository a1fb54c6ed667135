using Dequeue.Contracts;
using Dequeue.Sync.Log.Reading;

namespace Dequeue.Sync.Log.Compaction;

/// <summary>
/// The selections made last, for who asks again for the same end of a log: the steps of a long stream, the pages of a REST sync. What
/// matters after a later position is what of it lies after that.
/// </summary>
internal sealed class SurvivorCache
{
    /// <summary>Events of all selections together: 32 MB.</summary>
    private const int MaxEvents = 4_000_000;

    /// <summary>Selections.</summary>
    private const int MaxEntries = 32;

    private readonly LinkedList<Entry> _entries = new();

    /// <summary>A selection that holds what is asked for, or null.</summary>
    public EventSelection? Find(string log, Checkpoint after, Checkpoint through, IReadOnlyList<string> keep)
    {
        lock (_entries)
        {
            for (var node = _entries.First; node is not null; node = node.Next)
            {
                var entry = node.Value;
                if (entry.Log != log || entry.Through != through || entry.After > after || !entry.Keep.SequenceEqual(keep)) continue;
                _entries.Remove(node);
                _entries.AddFirst(node);
                return entry.Selection;
            }
        }

        return null;
    }

    /// <summary>Remembers a selection.</summary>
    public void Add(string log, Checkpoint after, Checkpoint through, IReadOnlyList<string> keep, EventSelection selection)
    {
        lock (_entries)
        {
            _entries.AddFirst(new Entry(log, after, through, keep, selection));
            while (_entries.Count > MaxEntries || _entries.Count > 1 && Events() > MaxEvents) _entries.RemoveLast();
        }
    }

    private long Events() => _entries.Sum(static entry => (long)entry.Selection.Count);

    private sealed record Entry(string Log, Checkpoint After, Checkpoint Through, IReadOnlyList<string> Keep, EventSelection Selection);
}
