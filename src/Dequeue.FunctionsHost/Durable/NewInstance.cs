namespace Dequeue.FunctionsHost.Durable;

/// <summary>An instance to be started.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its orchestrator.</param>
/// <param name="Version">The version that the caller asked for, which the orchestrator can read.</param>
/// <param name="Input">Its input as JSON.</param>
/// <param name="StartAt">When it begins; the default for at once.</param>
/// <param name="Parent">The orchestration that waits for it.</param>
internal sealed record NewInstance(
    string Id, string Name, string? Version = null, string? Input = null, DateTime StartAt = default, ParentCall? Parent = null);
