using Dequeue.Sync.Log;

namespace Dequeue.Functions.Http;

/// <summary>
/// The memory that calls may hold at the same time for bytes of others: bodies that are read and handled, or pages that are sent.
/// Whoever wants more than is left is refused, so that callers who send or take nothing cost themselves and not the process.
/// </summary>
/// <param name="bytes">What all may hold. One user may hold a quarter of it: no single one can take it from the others.</param>
/// <param name="clock">Tells how long somebody has waited.</param>
public sealed class MemoryBudget(long bytes, TimeProvider clock)
{
    /// <summary>The part of it that one user may hold.</summary>
    private const int UserShare = 4;

    /// <summary>Callers that may wait for room; it bounds what each release has to look through.</summary>
    private const int MaxWaiting = 1_000;

    /// <summary>How long a caller waits for room: longer than a burst of honest calls takes, shorter than their patience.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly Dictionary<LogKey, long> _users = [];
    private readonly LinkedList<Waiter> _waiting = new();
    private long _held;

    /// <summary>Bytes that are held now.</summary>
    public long Held
    {
        get
        {
            lock (_gate) return _held;
        }
    }

    /// <summary>Takes memory, if it is there.</summary>
    /// <returns>Null when it is not.</returns>
    public MemoryLease? TryTake(LogKey log, long wanted)
    {
        lock (_gate) return TryAdd(log, wanted) ? new MemoryLease(this, log, wanted) : null;
    }

    /// <summary>Takes memory, and waits two seconds at most until it is there.</summary>
    /// <returns>Null when it is not.</returns>
    public async Task<MemoryLease?> TakeAsync(LogKey log, long wanted, CancellationToken cancellationToken)
    {
        var waiter = new Waiter(log, wanted);
        lock (_gate)
        {
            if (TryAdd(log, wanted)) return new MemoryLease(this, log, wanted);
            if (_waiting.Count == MaxWaiting) return null;
            _waiting.AddLast(waiter);
        }

        using var patience = new CancellationTokenSource(Patience, clock);
        await using var leave = cancellationToken.Register(() => GiveUp(waiter));
        await using var late = patience.Token.Register(() => GiveUp(waiter));
        return await waiter.Answer.Task ? new MemoryLease(this, log, wanted) : null;
    }

    internal bool TryMore(LogKey log, long more)
    {
        lock (_gate) return TryAdd(log, more);
    }

    internal void Return(LogKey log, long some)
    {
        lock (_gate)
        {
            _held -= some;
            var rest = _users[log] - some;
            if (rest == 0) _users.Remove(log);
            else _users[log] = rest;
            for (var node = _waiting.First; node is not null;)
            {
                var (waiter, next) = (node.Value, node.Next);
                if (TryAdd(waiter.Log, waiter.Wanted))
                {
                    _waiting.Remove(node);
                    waiter.Answer.SetResult(true);
                }

                node = next;
            }
        }
    }

    private bool TryAdd(LogKey log, long some)
    {
        var users = _users.GetValueOrDefault(log) + some;
        if (_held + some > bytes || users > bytes / UserShare) return false;
        (_held, _users[log]) = (_held + some, users);
        return true;
    }

    private void GiveUp(Waiter waiter)
    {
        lock (_gate)
        {
            if (_waiting.Remove(waiter)) waiter.Answer.SetResult(false);
        }
    }

    private sealed class Waiter(LogKey log, long wanted)
    {
        public LogKey Log { get; } = log;

        public long Wanted { get; } = wanted;

        public TaskCompletionSource<bool> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>Memory of a <see cref="MemoryBudget"/> that a call holds until it is disposed. Used by one caller at a time.</summary>
public sealed class MemoryLease : IDisposable
{
    private readonly MemoryBudget _budget;
    private readonly LogKey _log;

    internal MemoryLease(MemoryBudget budget, LogKey log, long bytes) => (_budget, _log, Bytes) = (budget, log, bytes);

    /// <summary>Bytes that it holds.</summary>
    public long Bytes { get; private set; }

    /// <summary>Takes more.</summary>
    /// <returns>False when it is not there; what is held stays held.</returns>
    public bool TryGrow(long bytes)
    {
        if (!_budget.TryMore(_log, bytes - Bytes)) return false;
        Bytes = bytes;
        return true;
    }

    /// <summary>Gives back what is not needed.</summary>
    public void Shrink(long bytes)
    {
        if (bytes >= Bytes) return;
        _budget.Return(_log, Bytes - bytes);
        Bytes = bytes;
    }

    /// <inheritdoc/>
    public void Dispose() => Shrink(0);
}
