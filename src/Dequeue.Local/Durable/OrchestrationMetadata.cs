using System.Text.Json;

namespace Dequeue.Local.Durable;

/// <summary>Where an instance is in its life.</summary>
public enum OrchestrationRuntimeStatus
{
    /// <summary>Its code has begun.</summary>
    Running = 0,

    /// <summary>Its code has returned.</summary>
    Completed = 1,

    /// <summary>Never seen: an instance that continues as new is running.</summary>
    [Obsolete("The ContinuedAsNew status is obsolete and exists only for compatibility reasons.")]
    ContinuedAsNew = 2,

    /// <summary>Its code has thrown.</summary>
    Failed = 3,

    /// <summary>Never seen.</summary>
    [Obsolete("The Canceled status is not currently used and exists only for compatibility reasons.")]
    Canceled = 4,

    /// <summary>A client has ended it.</summary>
    Terminated = 5,

    /// <summary>Asked for, but not begun.</summary>
    Pending = 6,

    /// <summary>A client has paused it.</summary>
    Suspended = 7,
}

/// <summary>An instance as it was when it was asked about.</summary>
/// <param name="name">The orchestrator's name.</param>
/// <param name="instanceId">The instance's id.</param>
public sealed class OrchestrationMetadata(string name, string instanceId)
{
    /// <summary>The orchestrator's name.</summary>
    public string Name { get; } = name;

    /// <summary>The instance's id.</summary>
    public string InstanceId { get; } = instanceId;

    /// <summary>Where it is in its life.</summary>
    public OrchestrationRuntimeStatus RuntimeStatus { get; init; }

    /// <summary>When it was asked for.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it last took a step.</summary>
    public DateTimeOffset LastUpdatedAt { get; init; }

    /// <summary>Its input as JSON, if inputs and outputs were asked for.</summary>
    public string? SerializedInput { get; init; }

    /// <summary>Its output as JSON, if inputs and outputs were asked for.</summary>
    public string? SerializedOutput { get; init; }

    /// <summary>Its custom status as JSON, if inputs and outputs were asked for.</summary>
    public string? SerializedCustomStatus { get; init; }

    /// <summary>Why it failed, if inputs and outputs were asked for.</summary>
    public TaskFailureDetails? FailureDetails { get; init; }

    /// <summary>Its code has begun and not ended.</summary>
    public bool IsRunning => RuntimeStatus == OrchestrationRuntimeStatus.Running;

    /// <summary>It has ended: completed, failed or terminated.</summary>
    public bool IsCompleted => RuntimeStatus
        is OrchestrationRuntimeStatus.Completed or OrchestrationRuntimeStatus.Failed or OrchestrationRuntimeStatus.Terminated;

    internal JsonSerializerOptions? Json { get; init; }

    /// <summary>The input.</summary>
    /// <exception cref="InvalidOperationException">Inputs and outputs were not asked for.</exception>
    public T? ReadInputAs<T>() => Read<T>(SerializedInput);

    /// <summary>The output.</summary>
    /// <exception cref="InvalidOperationException">Inputs and outputs were not asked for.</exception>
    public T? ReadOutputAs<T>() => Read<T>(SerializedOutput);

    /// <summary>The custom status.</summary>
    /// <exception cref="InvalidOperationException">Inputs and outputs were not asked for.</exception>
    public T? ReadCustomStatusAs<T>() => Read<T>(SerializedCustomStatus);

    private T? Read<T>(string? text)
    {
        if (Json is null)
        {
            throw new InvalidOperationException("The instance was asked for without its inputs and outputs.");
        }

        return text is null ? default : JsonSerializer.Deserialize<T>(text, Json);
    }
}
