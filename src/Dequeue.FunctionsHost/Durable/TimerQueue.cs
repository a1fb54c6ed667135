namespace Dequeue.FunctionsHost.Durable;

/// <summary>Hands over what is due, on one timer of the clock.</summary>
internal sealed class TimerQueue<T> : IDisposable
{
    /// <summary>The clock's timers take at most about 49 days; a longer wait looks again.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromDays(40);

    private readonly Lock _lock = new();
    private readonly PriorityQueue<T, DateTime> _queue = new();
    private readonly TimeProvider _clock;
    private readonly Action<T> _due;
    private readonly ITimer _timer;
    private bool _closed;

    public TimerQueue(TimeProvider clock, Action<T> due)
    {
        _clock = clock;
        _due = due;
        _timer = clock.CreateTimer(_ => HandOver(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Add(T item, DateTime at)
    {
        lock (_lock)
        {
            _queue.Enqueue(item, at);
            Arm();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
        }

        _timer.Dispose();
    }

    private void HandOver()
    {
        List<T> due = [];
        lock (_lock)
        {
            var now = _clock.GetUtcNow().UtcDateTime;
            while (_queue.TryPeek(out var item, out var at) && at <= now)
            {
                _queue.Dequeue();
                due.Add(item);
            }

            Arm();
        }

        due.ForEach(_due);
    }

    private void Arm()
    {
        if (_closed || !_queue.TryPeek(out _, out var at))
        {
            return;
        }

        // A timer may run out a little before its time; rounding up to a millisecond saves a second look.
        var wait = at - _clock.GetUtcNow().UtcDateTime;
        wait = wait <= TimeSpan.Zero ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds));
        _timer.Change(wait < Longest ? wait : Longest, Timeout.InfiniteTimeSpan);

        // A clock that was set forward in between counts the wait from its new time.
        if (wait > TimeSpan.Zero && _clock.GetUtcNow().UtcDateTime >= at) _timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }
}
