using Microsoft.DurableTask.Protobuf;

namespace Dequeue.FunctionsHost.Durable;

/// <summary>The orchestrators and activities of an app, as the engine calls them: in the worker, or in a test's own code.</summary>
internal interface IDurableFunctions
{
    /// <summary>Whether the app has an orchestrator of this name. Names differ in more than case.</summary>
    bool HasOrchestrator(string name);

    /// <summary>Whether the app has an activity of this name.</summary>
    bool HasActivity(string name);

    /// <summary>Replays an orchestration over its history and what is new, and gives what it asks for.</summary>
    /// <exception cref="WorkerLostException">The worker ended meanwhile: the step is to be run again.</exception>
    Task<OrchestratorResponse> ReplayAsync(string name, OrchestratorRequest request, CancellationToken cancellationToken);

    /// <summary>Calls an activity.</summary>
    /// <param name="name">The activity's name.</param>
    /// <param name="instanceId">The orchestration that asked for it.</param>
    /// <param name="taskId">The number of the call in that orchestration.</param>
    /// <param name="input">The input as JSON, or null.</param>
    /// <param name="cancellationToken">Tells the activity to stop.</param>
    /// <exception cref="WorkerLostException">The worker ended meanwhile: the call is to be made again.</exception>
    Task<ActivityOutcome> CallAsync(string name, string instanceId, int taskId, string? input, CancellationToken cancellationToken);
}

/// <summary>What became of an activity.</summary>
internal abstract record ActivityOutcome
{
    private ActivityOutcome()
    {
    }

    /// <summary>It returned.</summary>
    /// <param name="Json">What it returned, as JSON; null for nothing.</param>
    public sealed record Returned(string? Json) : ActivityOutcome;

    /// <summary>It threw.</summary>
    public sealed record Failed(TaskFailureDetails Details) : ActivityOutcome;
}

/// <summary>The worker ended while a call was under way.</summary>
internal sealed class WorkerLostException(string message) : Exception(message);
