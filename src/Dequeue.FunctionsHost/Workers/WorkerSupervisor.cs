using System.Security.Cryptography;
using Dequeue.FunctionsHost.Durable;
using Dequeue.FunctionsHost.Rpc;
using Microsoft.Extensions.Logging;

namespace Dequeue.FunctionsHost.Workers;

/// <summary>Keeps one worker running: starts it, and starts another when it ends.</summary>
/// <remarks>
/// The first start must succeed; why it does not is told in one sentence. Later ones are tried again, for as long as the host runs:
/// at once, then with a growing wait.
/// </remarks>
internal sealed partial class WorkerSupervisor(
    IWorkerLauncher launcher, WorkerListener listener, string appFolder, IReadOnlyDictionary<string, string> environment, TimeProvider clock,
    ILoggerFactory loggers) : IAsyncDisposable
{
    /// <summary>Time for a worker to connect and load, on a busy machine too.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);

    /// <summary>Time for a worker to end what it does when the host stops.</summary>
    private static readonly TimeSpan EndGrace = TimeSpan.FromSeconds(10);

    /// <summary>The wait before a worker that ended soon again; the first one is started at once.</summary>
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest wait before a worker that keeps ending is started again.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    private readonly ILogger _logger = loggers.CreateLogger("Dequeue.FunctionsHost");
    private readonly WorkerLogs _logs = new(loggers);
    private readonly CancellationTokenSource _stopping = new();
    private TaskCompletionSource<WorkerChannel> _current = New();
    private IRunningWorker? _running;
    private Task _watching = Task.CompletedTask;

    /// <summary>The worker, loaded. While one is being started anew, it is waited for.</summary>
    /// <exception cref="WorkerLostException">There is none any more: the host stops.</exception>
    /// <exception cref="OperationCanceledException">The caller gives up.</exception>
    public Task<WorkerChannel> GetAsync(CancellationToken cancellationToken)
    {
        var current = Volatile.Read(ref _current).Task;
        return current.IsCompletedSuccessfully ? current : current.WaitAsync(cancellationToken);
    }

    /// <summary>Starts the first worker.</summary>
    /// <exception cref="FunctionsHostException">It ended, or cannot be loaded.</exception>
    public async Task<WorkerChannel> StartAsync(CancellationToken cancellationToken)
    {
        var first = await StartOneAsync(cancellationToken);
        _current.SetResult(first);
        _watching = WatchAsync(first);
        return first;
    }

    /// <summary>Starts no more workers; one that runs goes on.</summary>
    public async Task StopRestartingAsync()
    {
        await _stopping.CancelAsync();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Volatile.Read(ref _current).TrySetException(new WorkerLostException("The host stops."));
    }

    /// <summary>Ends the worker: it is asked first.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopRestartingAsync();
        if (_running is { } running)
        {
            if (_current.Task is { IsCompletedSuccessfully: true, Result: var worker }) worker.Terminate(EndGrace);
            await Task.WhenAny(running.Ended, Task.Delay(EndGrace, clock));
            await running.DisposeAsync();
        }

        _stopping.Dispose();
    }

    private static TaskCompletionSource<WorkerChannel> New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task WatchAsync(WorkerChannel worker)
    {
        var wait = TimeSpan.Zero;
        while (true)
        {
            var began = clock.GetTimestamp();
            await worker.Lost.WaitAsync(_stopping.Token);
            var lost = clock.GetTimestamp();
            if (_stopping.IsCancellationRequested) return;
            Volatile.Write(ref _current, New());
            await _running!.DisposeAsync();
            LogEnded(await _running.Ended);
            if (clock.GetElapsedTime(began, lost) > LongestWait) wait = TimeSpan.Zero;
            while (true)
            {
                await Task.Delay(wait, clock, _stopping.Token);
                wait = Longer(wait);
                try
                {
                    worker = await StartOneAsync(_stopping.Token);
                    break;
                }
                catch (Exception failure) when (!_stopping.IsCancellationRequested)
                {
                    LogNotStarted(failure.Message);
                }
            }

            _current.TrySetResult(worker);
            LogRestarted(clock.GetElapsedTime(lost).TotalSeconds);
        }
    }

    private static TimeSpan Longer(TimeSpan wait)
    {
        var longer = wait == TimeSpan.Zero ? FirstWait : wait * 2;
        return longer < LongestWait ? longer : LongestWait;
    }

    private async Task<WorkerChannel> StartOneAsync(CancellationToken cancellationToken)
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var connecting = listener.Expect(id, _logs, _logger);
        IRunningWorker? running = null;
        var isUp = false;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(StartPatience);
        try
        {
            running = await launcher.StartAsync(new WorkerStart(listener.Address, id, appFolder, environment), patience.Token);
            if (await Task.WhenAny(connecting, running.Ended).WaitAsync(patience.Token) == running.Ended)
                throw new FunctionsHostException(await running.Ended);
            var worker = await connecting;
            await worker.LoadAsync(appFolder, patience.Token);
            _running = running;
            isUp = true;
            return worker;
        }
        catch (WorkerLostException)
        {
            await Task.WhenAny(running!.Ended, Task.Delay(EndGrace, clock, CancellationToken.None));
            await running.DisposeAsync();
            throw new FunctionsHostException(await running.Ended);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new FunctionsHostException($"The worker was not ready within {StartPatience.TotalSeconds:0} s.");
        }
        finally
        {
            listener.Forget(id);
            if (running is not null && !isUp) await running.DisposeAsync();
        }
    }

    [LoggerMessage(1110, LogLevel.Warning, "The worker ended: {Why} Another is started.")]
    private partial void LogEnded(string why);

    [LoggerMessage(1111, LogLevel.Error, "The worker could not be started: {Why}")]
    private partial void LogNotStarted(string why);

    [LoggerMessage(1112, LogLevel.Information, "The functions run again after {Seconds:0.0} s.")]
    private partial void LogRestarted(double seconds);
}
