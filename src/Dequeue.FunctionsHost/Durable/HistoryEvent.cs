namespace Dequeue.FunctionsHost.Durable;

/// <summary>One thing that happened to an instance: a row of history, or a message that waits to become one.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="TaskId">The number, among all that the code asked for, of what this is about.</param>
/// <param name="Name">
/// The activity's or event's name; for <see cref="EventKind.EventSent"/> and <see cref="EventKind.ChildScheduled"/> the target, a
/// slash, and the event's or orchestrator's name.
/// </param>
/// <param name="Payload">An input or result as JSON; for a failure the JSON of its details.</param>
/// <param name="At">When the step began, or the timer is due, or the start is.</param>
/// <param name="Row">Where the message is stored; 0 for none.</param>
internal sealed record HistoryEvent(
    EventKind Kind, int TaskId = 0, string? Name = null, string? Payload = null, DateTime At = default, long Row = 0);
