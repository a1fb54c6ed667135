using Dequeue.Sync.Storage;

namespace Dequeue.Functions.Health;

/// <summary>
/// Whether what the backend depends on answers. Asked at most once a second, however many ask: anyone may, and an answer costs a
/// write and a call.
/// </summary>
public sealed class HealthProbe(IPartitionedTable table, WebPubSubServiceClient service, TimeProvider clock)
{
    /// <summary>A dependency that needs longer than this is down for a user who waits.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private Task<IReadOnlyList<string>>? _last;
    private long _askedAt;

    /// <summary>What does not answer, a sentence or a name each; empty when all is well.</summary>
    public Task<IReadOnlyList<string>> AskAsync()
    {
        lock (_gate)
        {
            if (_last is null || (_last.IsCompleted && clock.GetElapsedTime(_askedAt) >= Freshness)) (_last, _askedAt) = (CheckAsync(), clock.GetTimestamp());
            return _last;
        }
    }

    // Not the caller's token: others wait for the same answer.
    private async Task<IReadOnlyList<string>> CheckAsync()
    {
        using var patience = new CancellationTokenSource(Patience, clock);
        var storage = FailureAsync("storage", token => table.CheckAsync(token), patience.Token);
        var webPubSub = FailureAsync(
            "Web PubSub", token => service.ConnectionExistsAsync("healthz", new Azure.RequestContext { CancellationToken = token }), patience.Token);
        return [.. new[] { await storage, await webPubSub }.OfType<string>()];
    }

    private static async Task<string?> FailureAsync(string what, Func<CancellationToken, Task> check, CancellationToken cancellationToken)
    {
        // A storage on this machine answers at once, or blocks: neither shall hold up the other.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await check(cancellationToken).WaitAsync(cancellationToken);
            return null;
        }
        catch (StorageUnavailableException failure)
        {
            // Its messages are made for operators: what is wrong, and what to do, without a name or a key.
            return $"{what} ({failure.Message})";
        }
        catch (Exception)
        {
            // Refused, throttled, too slow, or all of that in turn: whatever it was, it is no answer.
            return what;
        }
    }
}
