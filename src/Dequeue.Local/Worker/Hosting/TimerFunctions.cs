using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dequeue.Local.Worker.Hosting;

/// <summary>Runs timer functions on their schedules, one run of each at a time.</summary>
internal sealed partial class TimerFunctions : IHostedService, IDisposable
{
    private const string FolderSetting = "Timers:Path";

    /// <summary>The clock's delays take at most about 49 days; a longer wait looks again.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(40);

    private readonly List<(Function Function, TimerTriggerAttribute Trigger, TimerSchedule Schedule)> _timers;
    private readonly Func<FunctionExecutionDelegate> _pipeline;
    private readonly IServiceScopeFactory _scopes;
    private readonly TimeProvider _clock;
    private readonly TimerMonitor _monitor;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _abort = new();
    private Task _loops = Task.CompletedTask;

    /// <exception cref="InvalidOperationException">A schedule cannot be understood; one sentence says which and why.</exception>
    public TimerFunctions(
        IEnumerable<Function> functions,
        Func<FunctionExecutionDelegate> pipeline,
        IServiceScopeFactory scopes,
        IConfiguration configuration,
        TimeProvider clock,
        ILogger logger)
    {
        _pipeline = pipeline;
        _scopes = scopes;
        _clock = clock;
        _logger = logger;
        _monitor = new TimerMonitor(configuration[FolderSetting] is { Length: > 0 } folder ? folder : Path.Combine(".dequeue", "timers"));
        _timers =
        [
            .. functions.Select(function => (function, (function.Trigger as Trigger.Timer)?.Settings))
                .Where(timer => timer.Settings is not null)
                .Select(timer => (timer.function, timer.Settings!, TimerSchedule.Parse(timer.function.Name, timer.Settings!.Schedule, configuration))),
        ];
    }

    private DateTime Now => _clock.GetUtcNow().UtcDateTime;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _loops = Task.WhenAll(_timers.Select(timer => RunAsync(timer.Function, timer.Trigger, timer.Schedule)));
        return Task.CompletedTask;
    }

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

    private async Task RunAsync(Function function, TimerTriggerAttribute trigger, TimerSchedule schedule)
    {
        // A function that blocks must not hold up the start.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var monitored = trigger.UseMonitor && schedule.CanBeMonitored(Now);
        var status = (monitored ? _monitor.Read(function.Name, schedule.Text) : null)
            ?? new ScheduleStatus { Next = schedule.Next(Now), LastUpdated = Now };
        var isPastDue = status.Next < Now;
        var runNow = isPastDue || trigger.RunOnStartup;
        while (true)
        {
            if (runNow)
            {
                status = new ScheduleStatus { Last = Now, Next = schedule.Next(Now), LastUpdated = Now };
            }
            else if (await WaitUntilAsync(status.Next))
            {
                status = new ScheduleStatus { Last = status.Next, Next = schedule.Next(Now), LastUpdated = Now };
            }
            else
            {
                return;
            }

            await InvokeAsync(function, new TimerInfo { ScheduleStatus = monitored ? status : null, IsPastDue = isPastDue });
            if (monitored)
            {
                Keep(function.Name, schedule.Text, status);
            }

            // What came up while the function ran is left out, not made up for.
            if (status.Next < Now)
            {
                status.Next = schedule.Next(Now);
            }

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

    private async Task InvokeAsync(Function function, TimerInfo timer)
    {
        try
        {
            await using var scope = _scopes.CreateAsyncScope();
            await _pipeline()(new Invocation(function, scope.ServiceProvider, _abort.Token) { TriggerValue = timer });
        }
        catch (Exception exception)
        {
            LogFailed(exception, function.Name);
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

    [LoggerMessage(1004, LogLevel.Error, "Timer function {Function} failed.")]
    private partial void LogFailed(Exception exception, string function);

    [LoggerMessage(1005, LogLevel.Warning, "The state of timer function {Function} could not be stored: a run missed while the host is down will not be made up for.")]
    private partial void LogNotKept(Exception exception, string function);
}
