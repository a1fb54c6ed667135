using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.DurableTask.Protobuf;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dequeue.FunctionsHost.Durable;

/// <summary>
/// Runs orchestrations. Each step of one has the worker replay its code from history, and is committed, with all that it asked for,
/// before any of that happens. What is committed is done at least once, by this process or the next. Starts once the app's functions
/// are known.
/// </summary>
internal sealed partial class DurableEngine : IHostedService, IAsyncDisposable
{
    /// <summary>The wait after a step or a result could not be stored.</summary>
    private static readonly TimeSpan StoreRetry = TimeSpan.FromSeconds(1);

    /// <summary>How long activities that were told to stop may take.</summary>
    private static readonly TimeSpan AbortGrace = TimeSpan.FromSeconds(2);

    /// <summary>The wait after the worker was lost: its successor is there before long, and takes the call.</summary>
    private static readonly TimeSpan WorkerRetry = TimeSpan.FromMilliseconds(50);

    private readonly IDurableFunctions _functions;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<string, Instance> _live = new(StringComparer.Ordinal);
    private readonly Channel<Instance> _ready = Channel.CreateUnbounded<Instance>();
    private readonly Channel<ActivityCall> _calls = Channel.CreateUnbounded<ActivityCall>();
    private readonly TimerQueue<DueMessage> _timers;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _abort = new();
    private DurableStore? _store;
    private Task _loops = Task.CompletedTask;

    public DurableEngine(DurableOptions options, IDurableFunctions functions, TimeProvider clock, ILogger<DurableEngine> logger)
    {
        Options = options;
        _functions = functions;
        _clock = clock;
        _logger = logger;
        _timers = new TimerQueue<DueMessage>(clock, Due);
        Stopping = _stopping.Token;
    }

    public DurableOptions Options { get; }

    public IDurableFunctions Functions => _functions;

    public DateTime Now => _clock.GetUtcNow().UtcDateTime;

    /// <summary>Cancelled when the engine begins to stop: nobody need wait for an instance any longer.</summary>
    public CancellationToken Stopping { get; }

    public DurableStore Store => _store ?? throw new InvalidOperationException("The durable engine has not been started.");

    /// <summary>Opens the store, and takes up what an earlier process left.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _store = new DurableStore(Options.Path);
        _store.Read(database =>
        {
            Load(database);
            return true;
        });
        _loops = Task.WhenAll(
        [
            .. Enumerable.Range(0, Options.MaxConcurrentOrchestrators).Select(_ => RunStepsAsync()),
            .. Enumerable.Range(0, Options.MaxConcurrentActivities).Select(_ => RunActivitiesAsync()),
        ]);
        return Task.CompletedTask;
    }

    /// <summary>
    /// Lets running activities finish until the token is cancelled, then tells them to stop; what they had to do is done at the next
    /// start.
    /// </summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        _timers.Dispose();
        _ready.Writer.TryComplete();
        _calls.Writer.TryComplete();
        try
        {
            await _loops.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            await _abort.CancelAsync();
            await Task.WhenAny(_loops, Task.Delay(AbortGrace, _clock, CancellationToken.None));
        }

        if (_store is not null)
        {
            await _store.DisposeAsync();
        }
    }

    /// <summary>Stops at once, if that has not been done in order.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_stopping.IsCancellationRequested)
        {
            await StopAsync(new CancellationToken(canceled: true));
        }

        _stopping.Dispose();
        _abort.Dispose();
    }

    /// <summary>Whether a new instance may take the id of one of this status.</summary>
    public bool MayReplace(OrchestrationStatus status) => Options.ReplacesLive || !IsLive(status);

    public static bool IsLive(OrchestrationStatus status) =>
        status is OrchestrationStatus.Pending or OrchestrationStatus.Running or OrchestrationStatus.Suspended;

    /// <summary>The instance, if it has not ended.</summary>
    public Instance? FindLive(string id) => _live.GetValueOrDefault(id);

    /// <summary>Takes a new instance into work, in place of one of that id. Called when it is committed.</summary>
    public void Begin(NewInstance started, long execution, HistoryEvent start)
    {
        var instance = new Instance(started.Id, started.Name, started.Version, started.Parent, execution, begun: false, suspended: false);
        var replaced = _live.GetValueOrDefault(started.Id);
        _live[started.Id] = instance;
        replaced?.Started.TrySetResult();
        replaced?.Ended.TrySetResult();
        Deliver(instance, start);
    }

    /// <summary>Gives an instance a message. Called when it is committed.</summary>
    public void Deliver(string id, HistoryEvent message)
    {
        if (FindLive(id) is { } instance)
        {
            Deliver(instance, message);
        }
    }

    private void Load(Database database)
    {
        foreach (var instance in database.LiveInstances())
        {
            _live[instance.Id] = instance;
        }

        foreach (var (id, message) in database.Inbox())
        {
            Deliver(id, message);
        }

        foreach (var (id, task, at) in database.Timers())
        {
            if (FindLive(id) is { } instance)
            {
                AddTimer(instance, task, at);
            }
        }

        foreach (var call in database.Activities())
        {
            _calls.Writer.TryWrite(call);
        }

        if (!_live.IsEmpty)
        {
            LogResumed(_live.Count);
        }
    }

    private void AddTimer(Instance instance, int task, DateTime at) =>
        _timers.Add(new DueMessage(instance.Id, instance.Execution, new HistoryEvent(EventKind.TimerFired, task, At: at)), at);

    private void Deliver(Instance instance, HistoryEvent message)
    {
        if (message.Kind == EventKind.ExecutionStarted && message.At > Now)
        {
            _timers.Add(new DueMessage(instance.Id, instance.Execution, message with { At = default }), message.At);
        }
        else if (instance.Post(message))
        {
            _ready.Writer.TryWrite(instance);
        }
    }

    private void Due(DueMessage due)
    {
        if (FindLive(due.InstanceId) is { } instance && instance.Execution == due.Execution)
        {
            Deliver(instance, due.Message);
        }
    }

    private async Task RunStepsAsync()
    {
        await foreach (var instance in _ready.Reader.ReadAllAsync())
        {
            if (_stopping.IsCancellationRequested)
            {
                return;
            }

            try
            {
                await new Step(this, instance).RunAsync();
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (WorkerLostException)
            {
                await WaitAsync(WorkerRetry, TimeProvider.System);
                _ready.Writer.TryWrite(instance);
            }
            catch (Exception exception)
            {
                LogStepFailed(exception, instance.Id);
                await WaitAsync(StoreRetry, _clock);
                _ready.Writer.TryWrite(instance);
            }
        }
    }

    private async Task RunActivitiesAsync()
    {
        await foreach (var call in _calls.Reader.ReadAllAsync())
        {
            if (_stopping.IsCancellationRequested)
            {
                return;
            }

            var completed = await CallAsync(call);
            while (completed is not null)
            {
                try
                {
                    await Store.WriteAsync(
                        write => write.Complete(call, completed),
                        message =>
                        {
                            if (message is not null)
                            {
                                Deliver(call.InstanceId, message);
                            }
                        });
                    break;
                }
                catch (Exception exception)
                {
                    LogResultNotStored(exception, call.Name, call.InstanceId);
                    if (_stopping.IsCancellationRequested)
                    {
                        return;
                    }

                    await WaitAsync(StoreRetry, _clock);
                }
            }
        }
    }

    /// <summary>Runs an activity, and gives what becomes of it; null if the host has stopped it.</summary>
    private async Task<HistoryEvent?> CallAsync(ActivityCall call)
    {
        while (true)
        {
            try
            {
                var outcome = _functions.HasActivity(call.Name)
                    ? await _functions.CallAsync(call.Name, call.InstanceId, call.TaskId, call.Input, _abort.Token)
                    : new ActivityOutcome.Failed(Missing("activity", call.Name));
                return Ended(call, outcome);
            }
            catch (OperationCanceledException) when (_abort.IsCancellationRequested)
            {
                return null;
            }
            catch (WorkerLostException) when (_stopping.IsCancellationRequested)
            {
                return null;
            }
            catch (WorkerLostException)
            {
                await WaitAsync(WorkerRetry, TimeProvider.System);
            }
            catch (Exception exception)
            {
                return Ended(call, new ActivityOutcome.Failed(Failure.Of(exception)));
            }
        }
    }

    private HistoryEvent Ended(ActivityCall call, ActivityOutcome outcome)
    {
        if (outcome is ActivityOutcome.Returned { Json: var json })
        {
            if (Limits.Refuse(json, $"The result of activity '{call.Name}'") is not { } refusal)
            {
                return new HistoryEvent(EventKind.ActivityCompleted, call.TaskId, Payload: json);
            }

            outcome = new ActivityOutcome.Failed(Failure.Of<InvalidOperationException>(refusal));
        }

        var details = ((ActivityOutcome.Failed)outcome).Details;
        LogActivityFailed(call.Name, call.InstanceId, details.ErrorType, details.ErrorMessage);
        return new HistoryEvent(EventKind.ActivityFailed, call.TaskId, Payload: Failure.Write(details));
    }

    /// <summary>A function that is not there. Of no use to try again.</summary>
    private static TaskFailureDetails Missing(string kind, string name)
    {
        var details = Failure.Of<InvalidOperationException>($"There is no {kind} function '{name}'.");
        details.IsNonRetriable = true;
        return details;
    }

    private async Task WaitAsync(TimeSpan time, TimeProvider clock) =>
        await Task.Delay(time, clock, Stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    [LoggerMessage(2001, LogLevel.Information, "{Count} orchestrations go on where an earlier process left them.")]
    private partial void LogResumed(int count);

    [LoggerMessage(2002, LogLevel.Error, "A step of orchestration {InstanceId} could not be stored; it is run again.")]
    private partial void LogStepFailed(Exception exception, string instanceId);

    [LoggerMessage(2003, LogLevel.Error, "The result of activity {Activity} of orchestration {InstanceId} could not be stored yet.")]
    private partial void LogResultNotStored(Exception exception, string activity, string instanceId);

    [LoggerMessage(2004, LogLevel.Warning, "Activity {Activity} of orchestration {InstanceId} failed: {ErrorType}: {Reason}")]
    private partial void LogActivityFailed(string activity, string instanceId, string errorType, string reason);

    [LoggerMessage(2005, LogLevel.Error, "Orchestration {InstanceId} ({Orchestrator}) failed: {ErrorType}: {Reason}")]
    private partial void LogOrchestrationFailed(string instanceId, string orchestrator, string errorType, string reason);

    private sealed record DueMessage(string InstanceId, long Execution, HistoryEvent Message);
}
