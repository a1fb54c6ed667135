using System.Threading.Channels;

namespace Dequeue.FunctionsHost.TestApp;

public sealed class TimerFunctions(TimerRuns runs)
{
    [Function("Hourly")]
    public ValueTask Hourly([TimerTrigger("%HourlySchedule%")] TimerInfo timer, FunctionContext context)
        => runs.Channel.Writer.WriteAsync(new TimerRun(context.FunctionDefinition.Name, timer));

    [Function("AtStart")]
    public ValueTask AtStart([TimerTrigger("0 0 3 1 1 *", RunOnStartup = true, UseMonitor = false)] TimerInfo timer)
        => runs.Channel.Writer.WriteAsync(new TimerRun("AtStart", timer));

    /// <summary>The next run that nobody has asked for yet.</summary>
    [Function("NextRun")]
    public async Task<IResult> NextRun([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "runs/next")] HttpRequest request)
        => Results.Json(await runs.Channel.Reader.ReadAsync(request.HttpContext.RequestAborted));
}

public sealed record TimerRun(string Function, TimerInfo Timer);

public sealed class TimerRuns
{
    public Channel<TimerRun> Channel { get; } = System.Threading.Channels.Channel.CreateUnbounded<TimerRun>();
}
