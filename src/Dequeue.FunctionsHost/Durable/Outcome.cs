using Microsoft.DurableTask.Protobuf;

namespace Dequeue.FunctionsHost.Durable;

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

    /// <summary>It starts over, with the events that the run before did not take.</summary>
    public sealed record ContinuedAsNew(string? Input, string? Version, IReadOnlyList<HistoryEvent> Events) : Outcome;
}
