using Dequeue.Contracts;
using Dequeue.Contracts.Events;

namespace Dequeue.Client;

/// <summary>Keeps events in memory, as the slices of the messages that they came in.</summary>
public sealed class InMemoryEventStore : IEventStore, ILogStore, IPushQueue, IConsumerStore
{
    private readonly Lock _lock = new();
    private readonly List<ReadOnlyMemory<byte>> _events = [];
    private readonly List<string> _order = [];
    private readonly HashSet<string> _ids = new(StringComparer.Ordinal);
    private readonly Queue<QueuedEvent> _queue = new();
    private readonly List<QueuedEvent> _sent = [];
    private readonly List<RefusedEvent> _refused = [];
    private readonly Dictionary<string, long> _cursors = new(StringComparer.Ordinal);
    private long _queued, _edition;
    private Checkpoint _checkpoint = Checkpoint.Beginning;
    private LogMark _mark;

    /// <summary>The events' bytes in the order saved: a copy of the list, not of the bytes.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Events
    {
        get
        {
            lock (_lock) return [.. _events];
        }
    }

    /// <summary>The digest of the events held, as <see cref="EventDigest"/> defines it.</summary>
    public string Digest() => EventDigest.Of(Events);

    /// <summary>True when an event with this id is held.</summary>
    public bool Contains(string id)
    {
        lock (_lock) return _ids.Contains(id);
    }

    /// <inheritdoc/>
    public ValueTask<StorePosition> LoadAsync(CancellationToken cancellationToken)
    {
        lock (_lock) return ValueTask.FromResult(new StorePosition(_checkpoint, _events.Count));
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<SyncEvent>> SaveAsync(
        IReadOnlyList<SyncEvent> events, Checkpoint? checkpoint, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        lock (_lock)
        {
            List<SyncEvent>? added = null;
            for (var i = 0; i < events.Count; i++)
            {
                var next = events[i];
                if (_ids.Add(next.Id!))
                {
                    _events.Add(next.Json);
                    _order.Add(next.Id!);
                    added?.Add(next);
                }
                else
                {
                    added ??= [.. events.Take(i)];
                }
            }

            if (checkpoint is { } at && at != _checkpoint) MoveTo(at);
            return ValueTask.FromResult(added ?? events);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<SyncEvent>> SaveAsync(
        IReadOnlyList<SyncEvent> events, Checkpoint? checkpoint, LogMark mark, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var added = SaveAsync(events, checkpoint, cancellationToken);
            if (checkpoint is not null) _mark = mark;
            return added;
        }
    }

    /// <inheritdoc/>
    public ValueTask<LogMark> LoadMarkAsync(CancellationToken cancellationToken)
    {
        lock (_lock) return ValueTask.FromResult(_mark);
    }

    /// <inheritdoc/>
    public ValueTask AdoptAsync(string epoch, CancellationToken cancellationToken)
    {
        lock (_lock) _mark = _mark with { Epoch = _mark.Epoch ?? epoch };
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<SyncEvent>> ReadEventsAsync(long first, int count, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var reader = new SyncEventReader();
            return ValueTask.FromResult<IReadOnlyList<SyncEvent>>([.. _events.Skip((int)first).Take(count).Select(reader.Read)]);
        }
    }

    /// <inheritdoc/>
    public ValueTask<long> BeginAnewAsync(string reason, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var unsent = _queue.Count;
            _refused.AddRange(_queue.Select(next => new RefusedEvent(next.Number, next.Id, reason, next.Json)));
            _queue.Clear();
            _sent.Clear();
            _events.Clear();
            _order.Clear();
            _ids.Clear();
            ReturnCursors(0);
            MoveTo(Checkpoint.Beginning);
            _mark = default;
            return ValueTask.FromResult((long)unsent);
        }
    }

    /// <inheritdoc/>
    public ValueTask RewindAsync(StorePosition position, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var keep = (int)position.Events;
            for (var i = keep; i < _order.Count; i++) _ids.Remove(_order[i]);
            _order.RemoveRange(keep, _order.Count - keep);
            _events.RemoveRange(keep, _events.Count - keep);
            ReturnCursors(keep);
            MoveTo(position.Checkpoint);
            return ValueTask.CompletedTask;
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<SyncEvent>?> ReplaceAsync(IReadOnlyList<Replacement> parts, Checkpoint checkpoint, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(parts);
        lock (_lock)
        {
            for (var i = parts.Count - 1; i >= 0; i--)
            {
                var (first, count) = ((int)parts[i].First, (int)parts[i].Count);
                foreach (var id in _order.GetRange(first, count)) _ids.Remove(id);
                _order.RemoveRange(first, count);
                _events.RemoveRange(first, count);
            }

            var (put, moved) = (new List<SyncEvent>(), 0);
            foreach (var part in parts)
            {
                var added = part.Events.Where(next => _ids.Add(next.Id!)).ToList();
                var place = (int)part.First + moved;
                _order.InsertRange(place, added.Select(static next => next.Id!));
                _events.InsertRange(place, added.Select(static next => next.Json));
                moved += added.Count - (int)part.Count;
                put.AddRange(added);
            }

            if (parts.Count > 0) ReturnCursors(parts[0].First);
            MoveTo(checkpoint);
            return ValueTask.FromResult<IReadOnlyList<SyncEvent>?>(put);
        }
    }

    /// <inheritdoc/>
    public ValueTask<string?> DigestAsync(long first, long count, CancellationToken cancellationToken)
    {
        lock (_lock) return ValueTask.FromResult<string?>(EventDigest.Of(_events.GetRange((int)first, (int)count)));
    }

    /// <inheritdoc/>
    public ValueTask EnqueueAsync(IReadOnlyList<SyncEvent> events, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        lock (_lock)
        {
            foreach (var next in events) _queue.Enqueue(new QueuedEvent(++_queued, next.Id!, next.Json));
            return ValueTask.CompletedTask;
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<QueuedEvent>> PeekAsync(int count, CancellationToken cancellationToken)
    {
        lock (_lock) return ValueTask.FromResult<IReadOnlyList<QueuedEvent>>([.. _queue.Take(count)]);
    }

    /// <inheritdoc/>
    public ValueTask RemoveThroughAsync(long number, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            while (_queue.TryPeek(out var oldest) && oldest.Number <= number) _queue.Dequeue();
            return ValueTask.CompletedTask;
        }
    }

    /// <inheritdoc/>
    public ValueTask<long> CountAsync(CancellationToken cancellationToken)
    {
        lock (_lock) return ValueTask.FromResult((long)_queue.Count);
    }

    /// <inheritdoc/>
    public ValueTask RemoveThroughAsync(long number, IReadOnlyList<RefusedEvent> refused, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(refused);
        lock (_lock)
        {
            _refused.AddRange(refused);
            var kept = refused.Select(static one => one.Number).ToHashSet();
            _sent.AddRange(_queue.TakeWhile(next => next.Number <= number).Where(next => !kept.Contains(next.Number)));
            return RemoveThroughAsync(number, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<QueuedEvent>> SentAsync(CancellationToken cancellationToken)
    {
        lock (_lock) return ValueTask.FromResult<IReadOnlyList<QueuedEvent>>([.. _sent]);
    }

    /// <inheritdoc/>
    public ValueTask<long> SettleAsync(long number, bool requeue, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var lost = requeue ? _sent.Where(next => next.Number <= number && !_ids.Contains(next.Id)).ToList() : [];
            _sent.RemoveAll(next => next.Number <= number);
            var waiting = _queue.ToList();
            _queue.Clear();
            foreach (var next in lost.Concat(waiting)) _queue.Enqueue(next);
            return ValueTask.FromResult((long)lost.Count);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<RefusedEvent>> RefusedAsync(CancellationToken cancellationToken)
    {
        lock (_lock) return ValueTask.FromResult<IReadOnlyList<RefusedEvent>>([.. _refused]);
    }

    /// <inheritdoc/>
    public ValueTask ForgetRefusedAsync(long number, CancellationToken cancellationToken)
    {
        lock (_lock) _refused.RemoveAll(refused => refused.Number <= number);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<ConsumerPage> ReadAsync(string consumer, int count, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var place = (int)_cursors.GetValueOrDefault(consumer);
            var reader = new SyncEventReader();
            return ValueTask.FromResult(new ConsumerPage(
                place, _edition, _events.GetRange(place, Math.Min(count, _events.Count - place)).ConvertAll(reader.Read)));
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> MoveAsync(string consumer, long edition, long place, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (edition == _edition) _cursors[consumer] = place;
            return ValueTask.FromResult(edition == _edition);
        }
    }

    // Whoever knows how much of the log lies before it says so afterwards.
    private void MoveTo(Checkpoint checkpoint) => (_checkpoint, _mark) = (checkpoint, _mark with { Position = null });

    // What comes from there on is not what the consumers have seen.
    private void ReturnCursors(long place)
    {
        _edition++;
        foreach (var (consumer, at) in _cursors.Where(cursor => cursor.Value > place).ToList()) _cursors[consumer] = Math.Min(at, place);
    }
}
