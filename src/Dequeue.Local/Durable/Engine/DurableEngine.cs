using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dequeue.Local.Durable.Engine;

/// <summary>
/// Runs orchestrations. Each step of one replays its code from history, and is committed, with all that it asked for, before
/// any of that happens. What is committed is done at least once, by this process or the next.
/// </summary>
internal sealed partial class DurableEngine : IHostedService, IAsyncDisposable
{
    /// <summary>The wait after a step or a result could not be stored.</summary>
    private static readonly TimeSpan StoreRetry = TimeSpan.FromSeconds(1);

    /// <summary>How long activities that were told to stop may take.</summary>
    private static readonly TimeSpan AbortGrace = TimeSpan.FromSeconds(2);

    private readonly DurableOptions _options;
    private readonly DurableRegistry _registry;
    private readonly IServiceScopeFactory _scopes;
    private readonly TimeProvider _clock;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<string, Instance> _live = new(StringComparer.Ordinal);
    private readonly Channel<Instance> _ready = Channel.CreateUnbounded<Instance>();
    private readonly Channel<ActivityCall> _calls = Channel.CreateUnbounded<ActivityCall>();
    private readonly TimerQueue<DueMessage> _timers;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _abort = new();
    private DurableStore? _store;
    private Task _loops = Task.CompletedTask;

    public DurableEngine(
        DurableOptions options, DurableRegistry registry, IServiceScopeFactory scopes, TimeProvider clock, ILoggerFactory loggers)
    {
        _options = options;
        _registry = registry;
        _scopes = scopes;
        _clock = clock;
        _loggers = loggers;
        _logger = loggers.CreateLogger("Dequeue.Local.Durable");
        _timers = new TimerQueue<DueMessage>(clock, Due);
        Payload = new Payload(options.Json);
    }

    public Payload Payload { get; }

    public DurableRegistry Registry => _registry;

    public TimeProvider Clock => _clock;

    public DurableStore Store => _store ?? throw new InvalidOperationException("The durable engine has not been started.");

    private DateTime Now => _clock.GetUtcNow().UtcDateTime;

    /// <summary>Opens the store, and takes up what an earlier process left.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _store = new DurableStore(_options.Path);
        _store.Read(database =>
        {
            Load(database);
            return true;
        });
        _loops = Task.WhenAll(
        [
            .. Enumerable.Range(0, _options.MaxConcurrentOrchestrators).Select(_ => RunStepsAsync()),
            .. Enumerable.Range(0, _options.MaxConcurrentActivities).Select(_ => RunActivitiesAsync()),
        ]);
        return Task.CompletedTask;
    }

    /// <summary>Lets running activities finish until the token is cancelled, then tells them to stop; what they had to do is done at the next start.</summary>
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

    /// <summary>The instance, if it has not ended.</summary>
    public Instance? FindLive(string id) => _live.GetValueOrDefault(id);

    /// <summary>Takes a new instance into work. Called when it is committed.</summary>
    public void Begin(string id, string name, long execution, HistoryEvent start)
    {
        var instance = new Instance(id, name, execution, begun: false, suspended: false);
        _live[id] = instance;
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
                _timers.Add(new DueMessage(id, instance.Execution, new HistoryEvent(EventKind.TimerFired, task)), at);
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
            catch (Exception exception)
            {
                LogStepFailed(exception, instance.Id);
                await RetryLaterAsync();
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

                    await RetryLaterAsync();
                }
            }
        }
    }

    /// <summary>Runs an activity, and gives what becomes of it; null if the host has stopped it.</summary>
    private async Task<HistoryEvent?> CallAsync(ActivityCall call)
    {
        try
        {
            var body = _registry.FindActivity(call.Name)
                ?? throw new InvalidOperationException($"There is no activity function '{call.Name}' any more.");
            await using var scope = _scopes.CreateAsyncScope();
            var result = await body(scope.ServiceProvider, call, _abort.Token);
            return new HistoryEvent(
                EventKind.ActivityCompleted, call.TaskId, Payload: Payload.Write(result, $"The result of activity '{call.Name}'"));
        }
        catch (OperationCanceledException) when (_abort.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception exception)
        {
            LogActivityFailed(exception, call.Name, call.InstanceId);
            return new HistoryEvent(
                EventKind.ActivityFailed, call.TaskId, Payload: Payload.Write(TaskFailureDetails.FromException(exception), "A failure"));
        }
    }

    private async Task RetryLaterAsync() =>
        await Task.Delay(StoreRetry, _clock, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    [LoggerMessage(2001, LogLevel.Information, "{Count} orchestrations go on where an earlier process left them.")]
    private partial void LogResumed(int count);

    [LoggerMessage(2002, LogLevel.Error, "A step of orchestration {InstanceId} could not be stored; it is run again.")]
    private partial void LogStepFailed(Exception exception, string instanceId);

    [LoggerMessage(2003, LogLevel.Error, "The result of activity {Activity} of orchestration {InstanceId} could not be stored; it is tried again.")]
    private partial void LogResultNotStored(Exception exception, string activity, string instanceId);

    [LoggerMessage(2004, LogLevel.Warning, "Activity {Activity} of orchestration {InstanceId} failed.")]
    private partial void LogActivityFailed(Exception exception, string activity, string instanceId);

    [LoggerMessage(2005, LogLevel.Error, "Orchestration {InstanceId} ({Orchestrator}) failed: {Reason}")]
    private partial void LogOrchestrationFailed(string instanceId, string orchestrator, string reason);

    private sealed record DueMessage(string InstanceId, long Execution, HistoryEvent Message);
}
