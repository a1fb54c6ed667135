namespace Dequeue.Local.Durable.Engine;

/// <summary>An instance that has not ended: what waits for its next step. All of it is also in the store.</summary>
internal sealed class Instance(string id, string name, long execution, bool begun, bool suspended)
{
    private readonly Lock _lock = new();
    private List<HistoryEvent> _messages = [];
    private bool _queued;
    private bool _begun = begun;

    public string Id => id;

    public string Name => name;

    /// <summary>Differs for each run of the code: replaced, or continued as new.</summary>
    public long Execution { get; private set; } = execution;

    public bool Suspended { get; set; } = suspended;

    public TaskCompletionSource Started { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Adds a message. True if a step must be queued for it.</summary>
    public bool Post(HistoryEvent message)
    {
        lock (_lock)
        {
            _messages.Add(message);
            _begun |= message.Kind == EventKind.ExecutionStarted;
            return !_queued && (_queued = _messages.Exists(CanBeTaken));
        }
    }

    /// <summary>What the step that begins now may take.</summary>
    public List<HistoryEvent> Peek()
    {
        lock (_lock)
        {
            return _messages.FindAll(CanBeTaken);
        }
    }

    /// <summary>Ends a step that took some messages. True if another must be queued for the rest.</summary>
    public bool Finish(IReadOnlySet<HistoryEvent> taken)
    {
        lock (_lock)
        {
            _messages.RemoveAll(taken.Contains);
            return _queued = _messages.Exists(CanBeTaken);
        }
    }

    /// <summary>Starts over: what belonged to the run before is dropped, new messages come first.</summary>
    public void StartOver(long execution, IEnumerable<HistoryEvent> first)
    {
        lock (_lock)
        {
            Execution = execution;
            _messages =
            [
                .. first,
                .. _messages.Where(message =>
                    message.Kind is not (EventKind.ActivityCompleted or EventKind.ActivityFailed or EventKind.TimerFired)),
            ];
        }
    }

    /// <summary>Before the start is due, and while it is suspended, an instance is deaf to all but its masters.</summary>
    private bool CanBeTaken(HistoryEvent message) => (_begun && !Suspended)
        || message.Kind is EventKind.Terminate or EventKind.Fault or EventKind.Suspend or EventKind.Resume;
}
