using System.Text.Json.Nodes;
using Dequeue.FunctionsHost.Durable;
using Dequeue.FunctionsHost.Rpc;
using Dequeue.FunctionsHost.Rpc.Messages;
using Dequeue.FunctionsHost.Workers;
using Microsoft.Extensions.Logging;

namespace Dequeue.FunctionsHost.Timers;

/// <summary>Runs timer functions on their schedules, one run of each at a time.</summary>
internal sealed partial class TimerFunctions : IDisposable
{
    /// <summary>The clock's delays take at most about 49 days; a longer wait looks again.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(40);

    private readonly List<(FunctionDefinition Function, Trigger.Timer Trigger, TimerSchedule Schedule)> _timers;
    private readonly WorkerSupervisor _workers;
    private readonly DurableClientBinding _durableClient;
    private readonly TimeProvider _clock;
    private readonly TimerMonitor _monitor;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _abort = new();
    private Task _loops = Task.CompletedTask;

    /// <exception cref="FunctionsHostException">A schedule cannot be understood; one sentence says which and why.</exception>
    public TimerFunctions(
        IEnumerable<FunctionDefinition> functions,
        WorkerSupervisor workers,
        DurableClientBinding durableClient,
        Func<string, string?> setting,
        string folder,
        TimeProvider clock,
        ILogger logger)
    {
        (_workers, _durableClient, _clock, _logger, _monitor) = (workers, durableClient, clock, logger, new TimerMonitor(folder));
        _timers =
        [
            .. from function in functions
               let trigger = function.Trigger as Trigger.Timer
               where trigger is not null
               select (function, trigger, TimerSchedule.Parse(function.Name, trigger.Schedule, setting, Now)),
        ];
    }

    private DateTime Now => _clock.GetUtcNow().UtcDateTime;

    public void Start() => _loops = Task.WhenAll(_timers.Select(timer => RunAsync(timer.Function, timer.Trigger, timer.Schedule)));

    /// <summary>Lets runs finish until the token is cancelled, then tells them to stop.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        try
        {
            await _loops.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            await _abort.CancelAsync();
        }
    }

    public void Dispose()
    {
        _stopping.Dispose();
        _abort.Dispose();
    }

    private async Task RunAsync(FunctionDefinition function, Trigger.Timer trigger, TimerSchedule schedule)
    {
        // A function that blocks must not hold up the start.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var monitored = trigger.UseMonitor && schedule.CanBeMonitored(Now);
        var status = (monitored ? _monitor.Read(function.Name, schedule.Text) : null)
            ?? new ScheduleStatus(default, schedule.Next(Now), Now);
        var isPastDue = status.Next < Now;
        var runNow = isPastDue || trigger.RunOnStartup;
        while (true)
        {
            if (runNow)
            {
                status = new ScheduleStatus(Now, schedule.Next(Now), Now);
            }
            else if (await WaitUntilAsync(status.Next))
            {
                status = new ScheduleStatus(status.Next, schedule.Next(Now), Now);
            }
            else
            {
                return;
            }

            await InvokeAsync(function, monitored ? status : null, isPastDue);
            if (monitored) Keep(function.Name, schedule.Text, status);

            // What came up while the function ran is left out, not made up for.
            if (status.Next < Now) status = status with { Next = schedule.Next(Now) };

            (runNow, isPastDue) = (false, false);
        }
    }

    /// <summary>False if the host stops first.</summary>
    private async Task<bool> WaitUntilAsync(DateTime time)
    {
        while (Now < time && !_stopping.IsCancellationRequested)
        {
            var wait = TimeSpan.FromMilliseconds(Math.Ceiling((time - Now).TotalMilliseconds));
            await Task.Delay(wait < LongestWait ? wait : LongestWait, _clock, _stopping.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return !_stopping.IsCancellationRequested;
    }

    private async Task InvokeAsync(FunctionDefinition function, ScheduleStatus? status, bool isPastDue)
    {
        var timer = new JsonObject
        {
            ["Schedule"] = new JsonObject { ["AdjustForDST"] = true },
            ["ScheduleStatus"] = status is null
                ? null
                : new JsonObject { ["Last"] = status.Last, ["Next"] = status.Next, ["LastUpdated"] = status.LastUpdated },
            ["IsPastDue"] = isPastDue,
        };
        var call = function.Call(new TypedData { Json = timer.ToJsonString() }, _durableClient);
        try
        {
            var worker = await _workers.GetAsync(_stopping.Token);
            var answer = await worker.InvokeAsync(call, _abort.Token);
            if (answer.Result.Status != StatusResult.Types.Status.Success)
                LogFailed(function.Name, answer.Result.Exception?.Message ?? answer.Result.Result);
        }
        catch (Exception failure) when (failure is WorkerLostException or OperationCanceledException)
        {
            if (!_stopping.IsCancellationRequested) LogFailed(function.Name, failure.Message);
        }
    }

    private void Keep(string function, string schedule, ScheduleStatus status)
    {
        try
        {
            _monitor.Write(function, schedule, status);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogNotKept(exception, function);
        }
    }

    [LoggerMessage(1004, LogLevel.Error, "Timer function {Function} failed: {Failure}")]
    private partial void LogFailed(string function, string failure);

    [LoggerMessage(1005, LogLevel.Warning, "The state of timer function {Function} could not be stored: a run missed while the host is down will not be made up for.")]
    private partial void LogNotKept(Exception exception, string function);
}
