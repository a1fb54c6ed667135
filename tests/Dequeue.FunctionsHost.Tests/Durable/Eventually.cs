namespace Dequeue.FunctionsHost.Tests.Durable;

internal static class Eventually
{
    /// <summary>Waits for a condition that nothing signals.</summary>
    public static Task TrueAsync(Func<bool> condition) => TrueAsync(() => Task.FromResult(condition()));

    /// <summary>Waits for a condition that nothing signals.</summary>
    public static async Task TrueAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(Guard.Time);
        while (!await condition())
        {
            await Task.Delay(2, limit.Token);
        }
    }
}
