using Microsoft.DurableTask.Protobuf;

namespace Dequeue.FunctionsHost.Durable;

/// <summary>
/// The orchestrators and activities of an app, as the engine calls them: in the worker, or in a test's own code. Which there are is
/// known before the engine starts. While there is no worker a call waits for one.
/// </summary>
internal interface IDurableFunctions
{
    /// <summary>Whether the app has an orchestrator of this name. Names differ in more than case.</summary>
    bool HasOrchestrator(string name);

    /// <summary>Whether the app has an activity of this name.</summary>
    bool HasActivity(string name);

    /// <summary>Replays an orchestration over its history and what is new, and gives what it asks for.</summary>
    /// <param name="name">The orchestrator's name.</param>
    /// <param name="request">The instance, its history, and what is new.</param>
    /// <param name="cancellationToken">The engine stops: the step is run again at the next start, so the answer is of no use.</param>
    /// <exception cref="WorkerLostException">The worker ended meanwhile: the step is to be run again.</exception>
    /// <exception cref="Exception">Any other: the function gave no answer, and the instance fails for that reason.</exception>
    Task<OrchestratorResponse> ReplayAsync(string name, OrchestratorRequest request, CancellationToken cancellationToken);

    /// <summary>Calls an activity.</summary>
    /// <param name="name">The activity's name.</param>
    /// <param name="instanceId">The orchestration that asked for it.</param>
    /// <param name="taskId">The number of the call in that orchestration.</param>
    /// <param name="input">The input as JSON, or null.</param>
    /// <param name="cancellationToken">Tells the activity to stop; it is called again at the next start.</param>
    /// <exception cref="WorkerLostException">The worker ended meanwhile: the call is to be made again.</exception>
    /// <exception cref="Exception">Any other: the activity has failed for that reason.</exception>
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
