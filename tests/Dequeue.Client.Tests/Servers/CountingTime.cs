namespace Dequeue.Client.Tests.Servers;

/// <summary>The system's clock, which knows how many of its timers were not disposed.</summary>
internal sealed class CountingTime : TimeProvider
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _none = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _timers;

    /// <summary>
    /// Waits until every timer is disposed. A wait, because a delay's timer is disposed only after the delay's continuation
    /// has run to its next wait, on another thread than the test's.
    /// </summary>
    public Task NoTimersAsync()
    {
        lock (_lock) return _timers == 0 ? Task.CompletedTask : _none.Task.WaitAsync(Guard.Time);
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        lock (_lock) _timers++;
        return new Counted(this, base.CreateTimer(callback, state, dueTime, period));
    }

    private void Disposed()
    {
        TaskCompletionSource none;
        lock (_lock)
        {
            if (--_timers > 0) return;
            none = _none;
            _none = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        none.SetResult();
    }

    private sealed class Counted(CountingTime owner, ITimer inner) : ITimer
    {
        private int _disposed;

        public bool Change(TimeSpan dueTime, TimeSpan period) => inner.Change(dueTime, period);

        public void Dispose()
        {
            inner.Dispose();
            if (Interlocked.Exchange(ref _disposed, 1) == 0) owner.Disposed();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
