namespace Dequeue.Local.Durable;

/// <summary>Which instances are asked for.</summary>
/// <param name="CreatedFrom">Those created at or after this time.</param>
/// <param name="CreatedTo">Those created at or before this time.</param>
/// <param name="Statuses">Those in one of these states.</param>
/// <param name="TaskHubNames">Not looked at: there is one hub.</param>
/// <param name="InstanceIdPrefix">Those whose id begins with this.</param>
/// <param name="PageSize">The most instances a page holds.</param>
/// <param name="FetchInputsAndOutputs">Whether inputs, outputs, custom states and failures come along.</param>
/// <param name="ContinuationToken">Where to go on.</param>
public record OrchestrationQuery(
    DateTimeOffset? CreatedFrom = null,
    DateTimeOffset? CreatedTo = null,
    IEnumerable<OrchestrationRuntimeStatus>? Statuses = null,
    IEnumerable<string>? TaskHubNames = null,
    string? InstanceIdPrefix = null,
    int PageSize = OrchestrationQuery.DefaultPageSize,
    bool FetchInputsAndOutputs = false,
    string? ContinuationToken = null)
{
    /// <summary>100.</summary>
    public const int DefaultPageSize = 100;
}

/// <summary>How an instance is terminated.</summary>
/// <param name="Output">Becomes its output.</param>
/// <param name="Recursive">Whether its sub-orchestrations end too; there are none here.</param>
public record TerminateInstanceOptions(object? Output = null, bool Recursive = false);

/// <summary>How an instance is purged.</summary>
/// <param name="Recursive">Whether its sub-orchestrations go too; there are none here.</param>
public record PurgeInstanceOptions(bool Recursive = false);

/// <summary>What a purge did.</summary>
/// <param name="count">The instances that are gone.</param>
public class PurgeResult(int count)
{
    /// <summary>The instances that are gone.</summary>
    public int PurgedInstanceCount { get; } = count;
}
