namespace Dequeue.FunctionsHost.Durable;

/// <summary>What can happen to an instance. The numbers are stored: never change one.</summary>
internal enum EventKind
{
    /// <summary>A step began, at a time. Replay sees the same clock.</summary>
    StepStarted = 1,

    /// <summary>The orchestrator is called, with an input.</summary>
    ExecutionStarted = 2,

    /// <summary>The code asked for an activity.</summary>
    ActivityScheduled = 3,

    ActivityCompleted = 4,

    ActivityFailed = 5,

    /// <summary>The code asked for a timer.</summary>
    TimerCreated = 6,

    TimerFired = 7,

    /// <summary>An event came from outside.</summary>
    EventRaised = 8,

    /// <summary>The code sent an event to another instance.</summary>
    EventSent = 9,

    /// <summary>The code started another orchestration, and waits for its end.</summary>
    ChildScheduled = 10,

    ChildCompleted = 11,

    ChildFailed = 12,

    // Messages that are acted on, and never become history.
    Terminate = 20,
    Suspend = 21,
    Resume = 22,
}
