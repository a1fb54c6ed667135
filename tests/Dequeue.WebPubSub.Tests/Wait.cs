namespace Dequeue.WebPubSub.Tests;

/// <summary>Waits for something that can only be asked for.</summary>
public static class Wait
{
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(60);

    /// <summary>Is cancelled with the token, or when something took so long that it will not come.</summary>
    public static CancellationTokenSource AtMost(CancellationToken cancellationToken)
    {
        var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Most);
        return timeout;
    }

    public static async Task UntilAsync(Func<Task<bool>> condition, CancellationToken cancellationToken)
    {
        using var timeout = AtMost(cancellationToken);
        while (!await condition()) await Task.Delay(TimeSpan.FromMilliseconds(10), timeout.Token);
    }
}
