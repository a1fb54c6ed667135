namespace Dequeue.Local.Durable.Engine;

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

    // Messages that are acted on, and never become history.
    Terminate = 20,
    Suspend = 21,
    Resume = 22,
    Fault = 23,
}

/// <summary>One thing that happened to an instance: a row of history, or a message that waits to become one.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="TaskId">The number of the activity, timer or sent event that it is about, in the order the code asked for them.</param>
/// <param name="Name">The activity's or event's name; for <see cref="EventKind.EventSent"/> the target, a slash, and the event's name.</param>
/// <param name="Payload">An input or result as JSON.</param>
/// <param name="At">When the step began, or the timer is due.</param>
/// <param name="Row">Where the message is stored; 0 for none.</param>
internal sealed record HistoryEvent(
    EventKind Kind, int TaskId = 0, string? Name = null, string? Payload = null, DateTime At = default, long Row = 0);
