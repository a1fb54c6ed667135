using System.Threading.Channels;

namespace Dequeue.Local.TestApp;

public sealed class TimerFunctions(TimerLog log, TimeProvider clock)
{
    [Function("Hourly")]
    public ValueTask Hourly([TimerTrigger("%HourlySchedule%")] TimerInfo timer, FunctionContext context) =>
        log.Runs.Writer.WriteAsync(new TimerRun(context.FunctionDefinition.Name, clock.GetUtcNow(), timer));

    [Function("AtStart")]
    public ValueTask AtStart([TimerTrigger("0 0 3 1 1 *", RunOnStartup = true, UseMonitor = false)] TimerInfo timer) =>
        log.Runs.Writer.WriteAsync(new TimerRun("AtStart", clock.GetUtcNow(), timer));
}

public sealed record TimerRun(string Function, DateTimeOffset At, TimerInfo Timer);

public sealed class TimerLog
{
    public Channel<TimerRun> Runs { get; } = Channel.CreateUnbounded<TimerRun>();
}
