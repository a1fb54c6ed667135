namespace Dequeue.FunctionsHost.Durable;

/// <summary>What the engine is told; but for the path, what host.json says under <c>extensions.durableTask</c>.</summary>
/// <param name="Path">The SQLite file; made, with its folder, if missing.</param>
/// <param name="MaxConcurrentActivities">Activities that run at once.</param>
/// <param name="MaxConcurrentOrchestrators">Steps that run at once.</param>
internal sealed record DurableOptions(string Path, int MaxConcurrentActivities, int MaxConcurrentOrchestrators)
{
    /// <summary>
    /// Whether a start takes the id of an instance that has not ended, which is then gone: <c>overridableExistingInstanceStates</c> is
    /// <c>AnyState</c>. False by default.
    /// </summary>
    public bool ReplacesLive { get; init; }

    /// <summary>
    /// Whether an event for an instance that is missing or has ended is refused (<c>throwStatusExceptionsOnRaiseEvent</c>), or lost
    /// without a word. True by default, as with Azure Storage.
    /// </summary>
    public bool RefusesLostEvents { get; init; } = true;
}
