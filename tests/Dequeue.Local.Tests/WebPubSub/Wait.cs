namespace Dequeue.Local.Tests.WebPubSub;

/// <summary>Waits for something that can only be asked for.</summary>
public static class Wait
{
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(20);

    public static async Task UntilAsync(Func<Task<bool>> condition, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Most);
        while (!await condition()) await Task.Delay(TimeSpan.FromMilliseconds(10), timeout.Token);
    }
}
