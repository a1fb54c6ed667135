namespace Dequeue.Local.Tests.Durable;

internal static class Eventually
{
    /// <summary>Waits for a condition that nothing signals.</summary>
    public static async Task TrueAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition())
        {
            await Task.Delay(2, limit.Token);
        }
    }
}
