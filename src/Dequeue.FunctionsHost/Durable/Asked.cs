namespace Dequeue.FunctionsHost.Durable;

/// <summary>Something the code asked for in a step, as it goes into history, with what history does not keep.</summary>
/// <param name="Event">What goes into history.</param>
/// <param name="Payload">The input of the activity or orchestration, or what the sent event carries.</param>
/// <param name="Target">The instance that an event is sent to, or that is started.</param>
/// <param name="Name">The name of the sent event, or of the orchestrator that is started.</param>
/// <param name="Version">The version of the orchestrator that is started.</param>
internal sealed record Asked(
    HistoryEvent Event, string? Payload = null, string? Target = null, string? Name = null, string? Version = null);
