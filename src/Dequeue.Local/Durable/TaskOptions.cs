namespace Dequeue.Local.Durable;

/// <summary>How an activity is called.</summary>
public record TaskOptions
{
    private TaskOptions(RetryPolicy? policy, AsyncRetryHandler? handler)
    {
        Policy = policy;
        Handler = handler;
    }

    internal RetryPolicy? Policy { get; }

    internal AsyncRetryHandler? Handler { get; }

    /// <summary>Tries again as a policy says.</summary>
    public static TaskOptions FromRetryPolicy(RetryPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return new TaskOptions(policy, null);
    }

    /// <summary>Tries again as long as code says so; the code is part of the orchestrator, and as deterministic.</summary>
    public static TaskOptions FromRetryHandler(AsyncRetryHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return new TaskOptions(null, handler);
    }

    /// <summary>Tries again as long as code says so; the code is part of the orchestrator, and as deterministic.</summary>
    public static TaskOptions FromRetryHandler(RetryHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return new TaskOptions(null, context => Task.FromResult(handler(context)));
    }
}

/// <summary>Says whether a failed activity is to be tried again.</summary>
/// <param name="retryContext">What has happened so far.</param>
public delegate bool RetryHandler(RetryContext retryContext);

/// <summary>Says whether a failed activity is to be tried again, perhaps after a durable timer.</summary>
/// <param name="retryContext">What has happened so far.</param>
public delegate Task<bool> AsyncRetryHandler(RetryContext retryContext);

/// <summary>What a retry handler decides by.</summary>
/// <param name="OrchestrationContext">The orchestration that called the activity.</param>
/// <param name="LastAttemptNumber">The attempts so far.</param>
/// <param name="LastFailure">Why the last one failed.</param>
/// <param name="TotalRetryTime">The time since the first attempt.</param>
/// <param name="CancellationToken">Never cancelled.</param>
public record RetryContext(
    TaskOrchestrationContext OrchestrationContext,
    int LastAttemptNumber,
    TaskFailureDetails LastFailure,
    TimeSpan TotalRetryTime,
    CancellationToken CancellationToken);

/// <summary>How an orchestration is started.</summary>
/// <param name="InstanceId">Its id; a new one when null.</param>
/// <param name="StartAt">When it starts; at once when null.</param>
public record StartOrchestrationOptions(string? InstanceId = null, DateTimeOffset? StartAt = null);
