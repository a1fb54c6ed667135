using Microsoft.Extensions.Logging;

namespace Dequeue.Local.Durable;

/// <summary>
/// What an orchestrator acts through. Orchestrators are replayed, so they must be deterministic: no I/O, clock, random
/// number or task that does not come from here, and no <c>ConfigureAwait(false)</c>.
/// </summary>
public abstract class TaskOrchestrationContext
{
    /// <summary>The orchestrator's name.</summary>
    public abstract TaskName Name { get; }

    /// <summary>The instance's id.</summary>
    public abstract string InstanceId { get; }

    /// <summary>The orchestration's time in UTC: when the step that is run, or replayed, was run first.</summary>
    public abstract DateTime CurrentUtcDateTime { get; }

    /// <summary>True while the code runs over what has happened already.</summary>
    public abstract bool IsReplaying { get; }

    /// <summary>Where loggers come from.</summary>
    protected abstract ILoggerFactory LoggerFactory { get; }

    /// <summary>The instance's input; the default of <typeparamref name="T"/> when there is none.</summary>
    public abstract T? GetInput<T>();

    /// <summary>Calls an activity that has no result.</summary>
    /// <inheritdoc cref="CallActivityAsync{TResult}(TaskName, object?, TaskOptions?)"/>
    public virtual Task CallActivityAsync(TaskName name, object? input = null, TaskOptions? options = null) =>
        CallActivityAsync<object>(name, input, options);

    /// <inheritdoc cref="CallActivityAsync(TaskName, object?, TaskOptions?)"/>
    public virtual Task CallActivityAsync(TaskName name, TaskOptions options) => CallActivityAsync(name, null, options);

    /// <inheritdoc cref="CallActivityAsync{TResult}(TaskName, object?, TaskOptions?)"/>
    public virtual Task<TResult> CallActivityAsync<TResult>(TaskName name, TaskOptions options) =>
        CallActivityAsync<TResult>(name, null, options);

    /// <summary>Calls an activity, which runs at least once.</summary>
    /// <param name="name">The activity's name.</param>
    /// <param name="input">What it is given; kept in history as JSON, so keep it small.</param>
    /// <param name="options">Retries; none when null.</param>
    /// <exception cref="TaskFailedException">It failed, after its retries.</exception>
    public abstract Task<TResult> CallActivityAsync<TResult>(TaskName name, object? input = null, TaskOptions? options = null);

    /// <summary>Waits for a time to pass.</summary>
    /// <param name="delay">How long.</param>
    /// <param name="cancellationToken">Ends the wait early.</param>
    public virtual Task CreateTimer(TimeSpan delay, CancellationToken cancellationToken) =>
        CreateTimer(CurrentUtcDateTime.Add(delay), cancellationToken);

    /// <summary>Waits until a time.</summary>
    /// <param name="fireAt">The time.</param>
    /// <param name="cancellationToken">Ends the wait early.</param>
    public abstract Task CreateTimer(DateTime fireAt, CancellationToken cancellationToken);

    /// <summary>Waits for an event from outside. Events that nobody waits for yet are kept; of several waits for one name the last gets the event.</summary>
    /// <param name="eventName">The event's name; letter case does not count.</param>
    /// <param name="cancellationToken">Ends the wait early.</param>
    public abstract Task<T> WaitForExternalEvent<T>(string eventName, CancellationToken cancellationToken = default);

    /// <param name="eventName">The event's name; letter case does not count.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <exception cref="TaskCanceledException">The time is over.</exception>
    /// <inheritdoc cref="WaitForExternalEvent{T}(string, TimeSpan, CancellationToken)"/>
    public virtual Task<T> WaitForExternalEvent<T>(string eventName, TimeSpan timeout) =>
        WaitForExternalEvent<T>(eventName, timeout, CancellationToken.None);

    /// <summary>Waits for an event from outside, but not for ever.</summary>
    /// <param name="eventName">The event's name; letter case does not count.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="cancellationToken">Ends the wait early.</param>
    /// <exception cref="TaskCanceledException">The time is over.</exception>
    public virtual async Task<T> WaitForExternalEvent<T>(string eventName, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource();
        using var wait = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var timedOut = CreateTimer(timeout, timer.Token);
        var raised = WaitForExternalEvent<T>(eventName, wait.Token);
        var loser = await Task.WhenAny(timedOut, raised) == raised ? timer : wait;
#pragma warning disable CA1849 // an orchestrator's tasks complete on its own thread: CancelAsync would leave it
        loser.Cancel();
#pragma warning restore CA1849
        return await raised;
    }

    /// <summary>Raises an event in another instance; nothing happens when there is none of that id.</summary>
    /// <param name="instanceId">The other instance.</param>
    /// <param name="eventName">The event's name; letter case does not count.</param>
    /// <param name="payload">What the event carries.</param>
    public abstract void SendEvent(string instanceId, string eventName, object payload);

    /// <summary>Shows a value beside the instance's status.</summary>
    /// <param name="customStatus">At most 16 KB of JSON text in UTF-16; null for none.</param>
    public abstract void SetCustomStatus(object? customStatus);

    /// <summary>Starts the orchestration over with an empty history. Return at once after it.</summary>
    /// <param name="newInput">The new input.</param>
    /// <param name="preserveUnprocessedEvents">Whether events that nobody waited for are kept.</param>
    public abstract void ContinueAsNew(object? newInput = null, bool preserveUnprocessedEvents = true);

    /// <summary>A new id that is the same in each replay.</summary>
    public abstract Guid NewGuid();

    /// <summary>A logger that is silent during replay.</summary>
    /// <param name="categoryName">The logger's category.</param>
    public virtual ILogger CreateReplaySafeLogger(string categoryName) =>
        new Engine.ReplaySafeLogger(this, LoggerFactory.CreateLogger(categoryName));

    /// <summary>A logger that is silent during replay.</summary>
    /// <param name="type">Gives the logger's category.</param>
    public virtual ILogger CreateReplaySafeLogger(Type type) => new Engine.ReplaySafeLogger(this, LoggerFactory.CreateLogger(type));

    /// <summary>A logger that is silent during replay.</summary>
    /// <typeparam name="T">Gives the logger's category.</typeparam>
    public virtual ILogger CreateReplaySafeLogger<T>() => new Engine.ReplaySafeLogger(this, LoggerFactory.CreateLogger<T>());
}
