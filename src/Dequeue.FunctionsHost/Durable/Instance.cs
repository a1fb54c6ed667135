using System.Globalization;

namespace Dequeue.FunctionsHost.Durable;

/// <summary>An instance that has not ended: what waits for its next step. All of it is also in the store.</summary>
internal sealed class Instance(string id, string name, string? version, ParentCall? parent, long execution, bool begun, bool suspended)
{
    private readonly Lock _lock = new();
    private List<HistoryEvent> _messages = [];
    private bool _queued;
    private bool _begun = begun;

    public string Id => id;

    public string Name => name;

    public ParentCall? Parent => parent;

    public string? Version { get; private set; } = version;

    /// <summary>Differs for each run of the code: replaced, or continued as new.</summary>
    public long Execution { get; private set; } = execution;

    /// <summary>The run, as the worker sees it.</summary>
    public string ExecutionId => Execution.ToString(CultureInfo.InvariantCulture);

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
    public void StartOver(long execution, string? version, IEnumerable<HistoryEvent> first)
    {
        lock (_lock)
        {
            Execution = execution;
            Version = version;
            _messages = [.. first, .. _messages.Where(static message => !BelongsToRun(message.Kind))];
        }
    }

    /// <summary>Whether a message answers what one run of the code has asked for, and no other run may see it.</summary>
    private static bool BelongsToRun(EventKind kind) => kind is EventKind.ActivityCompleted or EventKind.ActivityFailed
        or EventKind.TimerFired or EventKind.ChildCompleted or EventKind.ChildFailed;

    /// <summary>Before the start is due, and while it is suspended, an instance is deaf to all but its masters.</summary>
    private bool CanBeTaken(HistoryEvent message) => (_begun && !Suspended)
        || message.Kind is EventKind.Terminate or EventKind.Suspend or EventKind.Resume;
}
