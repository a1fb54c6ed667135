namespace Dequeue.Local.Durable.Engine;

/// <summary>
/// The one thread that an orchestrator's code runs on during a step. What is posted to it from any other thread is not run
/// but noted: it means that the code awaited something that is not durable, and would come out differently in a replay.
/// </summary>
internal sealed class OrchestratorThread(Action leftAfterStep) : SynchronizationContext
{
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _work = new();
    private volatile int _thread;
    private volatile bool _left;

    /// <summary>Whether the running code is on this thread.</summary>
    public bool IsCurrent => Environment.CurrentManagedThreadId == _thread;

    /// <summary>Whether the code has been seen anywhere else.</summary>
    public bool Left => _left;

    /// <summary>Runs a step on the calling thread.</summary>
    public void Run(Action step)
    {
        var before = Current;
        _thread = Environment.CurrentManagedThreadId;
        SetSynchronizationContext(this);
        try
        {
            step();
        }
        finally
        {
            SetSynchronizationContext(before);
            _thread = 0;
        }
    }

    /// <summary>Runs what the code posted to itself, until it waits.</summary>
    public void Drain()
    {
        while (_work.TryDequeue(out var item))
        {
            item.Callback(item.State);
        }
    }

    public void NoteLeft()
    {
        _left = true;
        if (_thread == 0)
        {
            leftAfterStep();
        }
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (IsCurrent)
        {
            _work.Enqueue((d, state));
        }
        else
        {
            NoteLeft();
        }
    }

    public override void Send(SendOrPostCallback d, object? state)
    {
        if (IsCurrent)
        {
            d(state);
        }
        else
        {
            NoteLeft();
        }
    }

    public override SynchronizationContext CreateCopy() => this;
}
