using Dequeue.Contracts;

namespace Dequeue.Sync.Log.Appending;

/// <summary>The appends to one log that wait for a transaction in this process.</summary>
internal sealed class AppendQueue
{
    private readonly LinkedList<PendingAppend> _waiting = new();
    private bool _isRunning;
    private bool _isClosed;

    /// <summary>Ends when the queue is closed and nobody works on it.</summary>
    public TaskCompletionSource IsDone { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Puts an append at the end.</summary>
    /// <param name="append">The append.</param>
    /// <param name="mustRun">True when nobody works on the queue, so that the caller has to.</param>
    /// <returns>False when the queue was closed meanwhile: take a new one.</returns>
    public bool TryAdd(PendingAppend append, out bool mustRun)
    {
        lock (_waiting)
        {
            mustRun = !_isClosed && !_isRunning;
            if (_isClosed) return false;
            _isRunning = true;
            _waiting.AddLast(append);
            return true;
        }
    }

    /// <summary>Closes the queue if nobody waits.</summary>
    public bool TryClose()
    {
        lock (_waiting) return _isClosed = _waiting.Count == 0;
    }

    /// <summary>
    /// Takes the events of the next transaction, first come, first served, and drops the appends that were given up. An id that
    /// two appends hold ends the batch before the second: the next transaction finds it stored.
    /// </summary>
    public List<BatchPart> Take(int maxEvents, int maxBytes)
    {
        lock (_waiting)
        {
            var ids = new HashSet<string>(StringComparer.Ordinal);
            var parts = new List<BatchPart>();
            for (var (node, next) = (_waiting.First, default(LinkedListNode<PendingAppend>)); node is not null; node = next)
            {
                next = node.Next;
                var append = node.Value;
                if (append.IsGivenUp)
                {
                    _waiting.Remove(node);
                    continue;
                }

                var count = 0;
                foreach (var e in append.Remaining)
                {
                    var bytes = e.Json.Length + (ids.Count > 0 ? 1 : 0);
                    if (ids.Count == maxEvents || bytes > maxBytes || !ids.Add(e.Id.Value)) break;
                    maxBytes -= bytes;
                    count++;
                }

                if (count > 0) parts.Add(new BatchPart(append, append.Remaining.GetRange(0, count)));
                if (count < append.Remaining.Count) break;
            }

            return parts;
        }
    }

    /// <summary>Answers the appends that are meant for another log: nothing of them is stored.</summary>
    /// <param name="head">The log's end.</param>
    /// <param name="mayBeUnknown">Whether a log without an epoch may be any: one that an older version wrote.</param>
    public void RefuseOthers(LogHead head, bool mayBeUnknown)
    {
        if (head.Epoch is null && mayBeUnknown) return;
        lock (_waiting)
        {
            for (var (node, next) = (_waiting.First, default(LinkedListNode<PendingAppend>)); node is not null; node = next)
            {
                next = node.Next;
                if (!node.Value.IsForOther(head.Epoch)) continue;
                _waiting.Remove(node);
                node.Value.Refuse(head);
            }
        }
    }

    /// <summary>Completes the appends of which nothing remains.</summary>
    public void Complete(IEnumerable<BatchPart> parts, LogHead head)
    {
        foreach (var append in parts.Select(part => part.Append).Where(append => append.Remaining.Count == 0))
        {
            lock (_waiting) _waiting.Remove(append);
            append.Complete(head);
        }
    }

    /// <summary>Fails all that wait: what stops one transaction of a log stops them all.</summary>
    public void Fail(Exception exception)
    {
        lock (_waiting)
        {
            foreach (var append in _waiting) append.Fail(exception);
            _waiting.Clear();
        }
    }
}

/// <summary>The events that one append has in a transaction.</summary>
/// <param name="Append">The append.</param>
/// <param name="Events">Its next events, at least one.</param>
internal sealed record BatchPart(PendingAppend Append, List<NewEvent> Events);

/// <summary>One caller's events on their way into the log.</summary>
internal sealed class PendingAppend
{
    // Continuations run elsewhere: whoever commits must not be held up by a caller's work.
    private readonly TaskCompletionSource<AppendResult> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<EventPage> _committed = [];
    private readonly CancellationToken _cancellationToken;
    private readonly string? _epoch;
    private int _alreadyStored;

    /// <summary>An append of the events; of two with one id the first is kept.</summary>
    /// <param name="events">The events.</param>
    /// <param name="epoch">The epoch of the log that they are meant for; null for any.</param>
    /// <param name="cancellationToken">The caller gives up.</param>
    public PendingAppend(IReadOnlyList<NewEvent> events, string? epoch, CancellationToken cancellationToken)
    {
        _epoch = epoch;
        _cancellationToken = cancellationToken;
        Remaining = events.DistinctBy(e => e.Id).ToList();
        _alreadyStored = events.Count - Remaining.Count;
    }

    /// <summary>What is not known to be stored yet.</summary>
    public List<NewEvent> Remaining { get; private set; }

    /// <summary>True when the caller does not wait any more: what is not in a transaction yet stays out.</summary>
    public bool IsGivenUp => _cancellationToken.IsCancellationRequested;

    /// <summary>The caller's result. A caller who gives up waits no longer; a transaction in flight goes on without him.</summary>
    public Task<AppendResult> Result => _result.Task.WaitAsync(_cancellationToken);

    /// <summary>The next events of the append were newly stored as <paramref name="page"/>.</summary>
    public void Stored(EventPage page)
    {
        _committed.Add(page);
        Remaining.RemoveRange(0, page.Count);
    }

    /// <summary>Some events turned out to be stored already.</summary>
    public void StoredBefore(HashSet<EventId> ids) => _alreadyStored += Remaining.RemoveAll(e => ids.Contains(e.Id));

    /// <summary>Whether the events are meant for a log of another epoch. Once some are stored the rest follows.</summary>
    public bool IsForOther(string? epoch) => _epoch is not null && _epoch != epoch && _committed.Count == 0;

    /// <summary>Answers the caller that nothing is stored, because the log is another one.</summary>
    public void Refuse(LogHead head) => _result.TrySetResult(new AppendResult(head, [], 0) { IsOtherLog = true });

    /// <summary>Answers the caller.</summary>
    public void Complete(LogHead head) => _result.TrySetResult(new AppendResult(head, _committed, _alreadyStored));

    /// <summary>Tells the caller that it failed.</summary>
    public void Fail(Exception exception)
    {
        _result.TrySetException(exception);

        // The caller may have left: nobody else will look at the failure.
        _ = _result.Task.Exception;
    }
}
