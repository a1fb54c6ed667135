namespace Dequeue.Local.Durable.Engine;

/// <summary>Where a step leaves the orchestration.</summary>
internal abstract record Outcome
{
    private Outcome()
    {
    }

    /// <summary>It waits for something.</summary>
    public sealed record Waiting : Outcome;

    public sealed record Completed(string? Output) : Outcome;

    public sealed record Failed(TaskFailureDetails Details) : Outcome;

    public sealed record Terminated(string? Output) : Outcome;

    /// <summary>It starts over, with the events that nobody had waited for.</summary>
    public sealed record ContinuedAsNew(string? Input, IReadOnlyList<HistoryEvent> Events) : Outcome;
}

/// <summary>Something the code asked for in a step, as it goes into history, with what history does not keep.</summary>
/// <param name="Event">What goes into history.</param>
/// <param name="Payload">The activity's input, or what the sent event carries.</param>
/// <param name="Target">The instance an event is sent to.</param>
internal sealed record Asked(HistoryEvent Event, string? Payload = null, string? Target = null);

/// <summary>What a step did.</summary>
internal sealed record StepResult(Outcome Outcome, IReadOnlyList<Asked> Asked, IReadOnlySet<int> CancelledTimers, string? CustomStatus);

/// <summary>An orchestrator did not ask for what its history says that it asked for.</summary>
internal sealed class NonDeterministicOrchestrationException(string message) : Exception(message);
