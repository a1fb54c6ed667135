using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Dequeue.Local.Durable.Engine;

/// <summary>
/// One step of an orchestration: its code is run from the start over all that has happened, then over what is new, and what
/// it asks for beyond its history is the result. Used once.
/// </summary>
internal sealed class OrchestrationRun : TaskOrchestrationContext
{
    private const string LeftThread =
        "it awaited a task that does not come from its TaskOrchestrationContext, or used ConfigureAwait(false).";

    private readonly Func<TaskOrchestrationContext, Task<object?>> _body;
    private readonly DurableRegistry _registry;
    private readonly Payload _payload;
    private readonly OrchestratorThread _thread;
    private readonly Queue<Asked> _asked = new();
    private readonly Dictionary<int, IPending> _open = [];
    private readonly HashSet<int> _cancelledTimers = [];
    private readonly ExternalEvents _events = new();
    private Task<object?>? _code;
    private DateTime _now;
    private string? _input;
    private string? _customStatus;
    private (string? Input, bool KeepEvents)? _continueAsNew;
    private int _step;
    private int _nextTask;
    private int _nextGuid;
    private bool _endedElsewhere;

    /// <param name="name">The orchestrator's name.</param>
    /// <param name="instanceId">The instance.</param>
    /// <param name="body">The orchestrator's code.</param>
    /// <param name="registry">What can be called.</param>
    /// <param name="payload">How values are written.</param>
    /// <param name="loggers">Where loggers come from.</param>
    /// <param name="leftAfterStep">Called, on any thread, when the code shows itself off its thread once the step is over.</param>
    public OrchestrationRun(
        string name,
        string instanceId,
        Func<TaskOrchestrationContext, Task<object?>> body,
        DurableRegistry registry,
        Payload payload,
        ILoggerFactory loggers,
        Action<string> leftAfterStep)
    {
        Name = name;
        InstanceId = instanceId;
        LoggerFactory = loggers;
        _body = body;
        _registry = registry;
        _payload = payload;
        _thread = new OrchestratorThread(() => leftAfterStep(LeftThread));
    }

    public override TaskName Name { get; }

    public override string InstanceId { get; }

    public override DateTime CurrentUtcDateTime => _now;

    public override bool IsReplaying => Replaying;

    protected override ILoggerFactory LoggerFactory { get; }

    private bool Replaying { get; set; } = true;

    public StepResult Run(IReadOnlyList<HistoryEvent> past, IReadOnlyList<HistoryEvent> fresh)
    {
        Outcome outcome = new Outcome.Waiting();
        _thread.Run(() =>
        {
            try
            {
                foreach (var happened in past)
                {
                    Apply(happened);
                }

                Replaying = false;
                foreach (var happened in fresh)
                {
                    Apply(happened);
                }

                outcome = End();
            }
            catch (Exception exception)
            {
                // Not deterministic, or thrown by code that nobody awaits (async void).
                outcome = new Outcome.Failed(TaskFailureDetails.FromException(exception));
            }
        });
        return new StepResult(outcome, [.. _asked], _cancelledTimers, _customStatus);
    }

    public override T? GetInput<T>()
        where T : default
    {
        RequireOwnThread();
        return _payload.Read<T>(_input);
    }

    public object? GetInput(Type type) => _payload.Read(_input, type);

    public override Task<TResult> CallActivityAsync<TResult>(TaskName name, object? input = null, TaskOptions? options = null)
    {
        RequireOwnThread();
        if (input is TaskOptions && options is null)
        {
            throw new ArgumentException("A TaskOptions was given as the input of an activity. Name the parameter: options.", nameof(input));
        }

        _registry.RequireActivity(name.Name);
        var text = _payload.Write(input, $"The input of activity '{name.Name}'");
        return options switch
        {
            { Policy: { } policy } => CallWithPolicyAsync<TResult>(name.Name, text, policy),
            { Handler: { } handler } => CallWithHandlerAsync<TResult>(name.Name, text, handler),
            _ => CallOnceAsync<TResult>(name.Name, text),
        };
    }

    public override Task CreateTimer(DateTime fireAt, CancellationToken cancellationToken)
    {
        RequireOwnThread();
        var id = _nextTask++;
        var due = fireAt.ToUniversalTime();
        var pending = new Pending<object?>(static _ => null);
        _open.Add(id, pending);
        _asked.Enqueue(new Asked(new HistoryEvent(EventKind.TimerCreated, id, At: due)));
        cancellationToken.Register(() =>
        {
            // A cancellation from outside, the host's for one, would not be seen by a replay.
            if (!_thread.IsCurrent || !_open.Remove(id))
            {
                return;
            }

            if (!Replaying)
            {
                _cancelledTimers.Add(id);
            }

            pending.Cancel(cancellationToken);
        });
        return pending.Task;
    }

    public override Task<T> WaitForExternalEvent<T>(string eventName, CancellationToken cancellationToken = default)
    {
        RequireOwnThread();
        var pending = new Pending<T>(text => _payload.Read<T>(text)!);
        _events.Wait(eventName, pending);
        cancellationToken.Register(() =>
        {
            if (_thread.IsCurrent)
            {
                pending.Cancel(cancellationToken);
            }
        });
        return pending.Task;
    }

    public override void SendEvent(string instanceId, string eventName, object payload)
    {
        RequireOwnThread();
        var text = _payload.Write(payload, $"The payload of event '{eventName}'");
        _asked.Enqueue(new Asked(new HistoryEvent(EventKind.EventSent, _nextTask++, $"{instanceId}/{eventName}"), text, instanceId));
    }

    public override void SetCustomStatus(object? customStatus)
    {
        RequireOwnThread();
        _customStatus = _payload.Write(customStatus, "The custom status", Payload.MaxCustomStatusLength);
    }

    public override void ContinueAsNew(object? newInput = null, bool preserveUnprocessedEvents = true)
    {
        RequireOwnThread();
        _continueAsNew = (_payload.Write(newInput, "The input"), preserveUnprocessedEvents);
    }

    public override Guid NewGuid()
    {
        RequireOwnThread();
        var name = string.Create(CultureInfo.InvariantCulture, $"{InstanceId}_{_now:o}_{_nextGuid++}");
        var bytes = SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, 16);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    private async Task<T> CallWithPolicyAsync<T>(string name, string? input, RetryPolicy policy)
    {
        var first = _now;
        var wait = policy.FirstRetryInterval;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await CallOnceAsync<T>(name, input);
            }
            catch (TaskFailedException exception)
            {
                if (attempt == policy.MaxNumberOfAttempts || !InTime(policy, first) || !policy.Handle(exception.FailureDetails))
                {
                    throw;
                }
            }

            await CreateTimer(wait < policy.MaxRetryInterval ? wait : policy.MaxRetryInterval, CancellationToken.None);
            wait = TimeSpan.FromTicks((long)Math.Min(wait.Ticks * policy.BackoffCoefficient, TimeSpan.FromDays(1000).Ticks));
        }
    }

    private bool InTime(RetryPolicy policy, DateTime first) =>
        policy.RetryTimeout == Timeout.InfiniteTimeSpan || _now - first < policy.RetryTimeout;

    private async Task<T> CallWithHandlerAsync<T>(string name, string? input, AsyncRetryHandler handler)
    {
        var first = _now;
        for (var attempt = 1; ; attempt++)
        {
            TaskFailedException failure;
            try
            {
                return await CallOnceAsync<T>(name, input);
            }
            catch (TaskFailedException exception)
            {
                failure = exception;
            }

            if (!await handler(new RetryContext(this, attempt, failure.FailureDetails, _now - first, CancellationToken.None)))
            {
                throw failure;
            }
        }
    }

    private Task<T> CallOnceAsync<T>(string name, string? input)
    {
        var id = _nextTask++;
        var pending = new Pending<T>(text => _payload.Read<T>(text)!, failure => new TaskFailedException(name, id, failure));
        _open.Add(id, pending);
        _asked.Enqueue(new Asked(new HistoryEvent(EventKind.ActivityScheduled, id, name), input));
        return pending.Task;
    }

    private void Apply(HistoryEvent happened)
    {
        switch (happened.Kind)
        {
            case EventKind.StepStarted:
                BeginStep(happened.At);
                break;
            case EventKind.ExecutionStarted:
                _input = happened.Payload;
                Start();
                break;
            case EventKind.ActivityScheduled or EventKind.TimerCreated or EventKind.EventSent:
                Confirm(happened);
                break;
            case EventKind.ActivityCompleted or EventKind.TimerFired:
                if (_open.Remove(happened.TaskId, out var done))
                {
                    done.Complete(happened.Payload);
                }

                break;
            case EventKind.ActivityFailed:
                if (_open.Remove(happened.TaskId, out var failed))
                {
                    failed.Fail(_payload.Read<TaskFailureDetails>(happened.Payload)!);
                }

                break;
            case EventKind.EventRaised:
                _events.Raise(happened, deliver: !_code!.IsCompleted);
                break;
        }

        _thread.Drain();
    }

    private void BeginStep(DateTime at)
    {
        if (_asked.TryPeek(out var more))
        {
            throw Mismatch("nothing more", Describe(more.Event));
        }

        if (_code is { IsCompleted: true })
        {
            throw Mismatch("more", "nothing more: it has ended");
        }

        _step++;
        _now = at;
    }

    private void Start()
    {
        try
        {
            _code = _body(this);
        }
        catch (Exception exception)
        {
            _code = Task.FromException<object?>(exception);
        }

        _code.ContinueWith(
            _ => _endedElsewhere = !_thread.IsCurrent,
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    /// <summary>History says that the code asked for this; it must have.</summary>
    private void Confirm(HistoryEvent happened)
    {
        if (!_asked.TryDequeue(out var asked))
        {
            throw Mismatch(Describe(happened), "nothing");
        }

        var same = asked.Event.Kind == happened.Kind
            && asked.Event.TaskId == happened.TaskId
            && string.Equals(asked.Event.Name, happened.Name, StringComparison.OrdinalIgnoreCase)
            && asked.Event.At == happened.At;
        if (!same)
        {
            throw Mismatch(Describe(happened), Describe(asked.Event));
        }
    }

    private Outcome End()
    {
        if (_thread.Left || _endedElsewhere || (!_code!.IsCompleted && _open.Count == 0 && !_events.AnyoneWaits))
        {
            return new Outcome.Failed(TaskFailureDetails.FromException(LeftThreadException()));
        }

        if (!_code.IsCompleted)
        {
            return new Outcome.Waiting();
        }

        if (!_code.IsCompletedSuccessfully)
        {
            var exception = _code.Exception?.InnerException ?? new TaskCanceledException(_code);
            return new Outcome.Failed(TaskFailureDetails.FromException(exception));
        }

        if (_continueAsNew is { } next)
        {
            return new Outcome.ContinuedAsNew(next.Input, next.KeepEvents ? _events.Unclaimed : []);
        }

        try
        {
            return new Outcome.Completed(_payload.Write(_code.Result, $"The output of orchestrator '{Name}'"));
        }
        catch (Exception exception)
        {
            return new Outcome.Failed(TaskFailureDetails.FromException(exception));
        }
    }

    private void RequireOwnThread()
    {
        if (!_thread.IsCurrent)
        {
            _thread.NoteLeft();
            throw LeftThreadException();
        }
    }

    private InvalidOperationException LeftThreadException() => new($"Orchestrator '{Name}' left its thread: {LeftThread}");

    private NonDeterministicOrchestrationException Mismatch(string history, string code) => new(
        $"Non-deterministic orchestrator '{Name}': history says {history} at step {_step}, the code asked for {code}.");

    private static string Describe(HistoryEvent asked) => asked.Kind switch
    {
        EventKind.ActivityScheduled => $"activity '{asked.Name}' (#{asked.TaskId})",
        EventKind.TimerCreated => string.Create(CultureInfo.InvariantCulture, $"a timer for {asked.At:O} (#{asked.TaskId})"),
        _ => $"event '{asked.Name}' to be sent (#{asked.TaskId})",
    };
}
