using System.Runtime.InteropServices;
using Dequeue.Sync.Log.Entities;

namespace Dequeue.Sync.Log.Compaction;

/// <summary>
/// The events of a range that still matter at its end. They are added in commit order; an event that brings a state removes those of its
/// entity whose device time is earlier. What was removed from a part of the range would be removed from the whole too, so that the
/// survivors of parts, added one part after the other, leave those of the whole.
/// </summary>
internal sealed class Frontier
{
    private readonly Dictionary<EntityKey, Live> _entities = [];
    private readonly List<long> _others = [];

    /// <summary>Adds the next event.</summary>
    /// <param name="mark">What it is about.</param>
    /// <param name="tick">Its commit tick.</param>
    /// <param name="isKept">Whether it stays whatever follows. It removes others all the same.</param>
    public void Add(in EventMark mark, long tick, bool isKept = false)
    {
        if (mark.Kind == MarkKind.None)
        {
            _others.Add(tick);
            return;
        }

        ref var live = ref CollectionsMarshal.GetValueRefOrAddDefault(_entities, mark.Entity, out _);
        if (mark.Kind == MarkKind.State) live.RemoveBefore(mark.Timestamp);
        if (isKept) _others.Add(tick);
        else live.Add(tick, mark.Timestamp);
    }

    /// <summary>The commit ticks of what is left, rising.</summary>
    public long[] Survivors()
    {
        var ticks = new List<long>(_others.Count + _entities.Count);
        ticks.AddRange(_others);
        foreach (var live in _entities.Values) live.CopyTo(ticks);
        ticks.Sort();
        return [.. ticks];
    }

    /// <summary>The events of one entity. Nearly always that is one; more are kept by time, so that no history, however it is made,
    /// costs more than a logarithm an event.</summary>
    private struct Live
    {
        private long _tick, _timestamp;
        private PriorityQueue<long, long>? _more;

        public void RemoveBefore(long timestamp)
        {
            if (_more is null)
            {
                if (_timestamp < timestamp) _tick = 0;
                return;
            }

            while (_more.TryPeek(out _, out var first) && first < timestamp) _more.Dequeue();
        }

        public void Add(long tick, long timestamp)
        {
            if (_more is null && _tick == 0)
            {
                (_tick, _timestamp) = (tick, timestamp);
                return;
            }

            if (_more is null)
            {
                _more = new PriorityQueue<long, long>();
                _more.Enqueue(_tick, _timestamp);
            }

            _more.Enqueue(tick, timestamp);
        }

        public readonly void CopyTo(List<long> ticks)
        {
            if (_more is not null) ticks.AddRange(_more.UnorderedItems.Select(static item => item.Element));
            else if (_tick > 0) ticks.Add(_tick);
        }
    }
}
