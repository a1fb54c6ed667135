namespace Dequeue.Functions.Sweeping;

/// <summary>Sweeps every five minutes. The host sees to it that one instance of the app does, however many there are.</summary>
public sealed class SweepFunction(StreamSweep sweep)
{
    /// <summary>Second, minute, hour, day, month, day of the week.</summary>
    private const string EveryFiveMinutes = "0 */5 * * * *";

    /// <summary>Runs a sweep.</summary>
    [Function("SweepStreams")]
    public Task SweepAsync([TimerTrigger(EveryFiveMinutes)] TimerInfo timer, [DurableClient] DurableTaskClient durable, CancellationToken cancellationToken)
        => sweep.RunAsync(durable, cancellationToken);
}
