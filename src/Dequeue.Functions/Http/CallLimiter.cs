using System.Threading.RateLimiting;
using Dequeue.Functions.Configuration;
using Dequeue.Sync.Log;

namespace Dequeue.Functions.Http;

/// <summary>
/// How often a user of an app may ask for something, whatever the way: a REST call, a connection, a message over a socket. Each
/// process counts by itself.
/// </summary>
public sealed class CallLimiter : IDisposable
{
    /// <summary>Seconds' worth of calls that a user may make at once: a device that comes back pushes its queue.</summary>
    private const int BurstSeconds = 5;

    private readonly PartitionedRateLimiter<LogKey> _calls;

    /// <summary>The limits of these settings.</summary>
    public CallLimiter(BackendSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        Burst = settings.CallsPerSecond * BurstSeconds;
        _calls = PartitionedRateLimiter.Create<LogKey, LogKey>(log => RateLimitPartition.GetTokenBucketLimiter(log, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = Burst,
            TokensPerPeriod = settings.CallsPerSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            AutoReplenishment = true,
        }));
    }

    /// <summary>Calls that may come at once.</summary>
    public int Burst { get; }

    /// <summary>Counts calls, or work that is worth as many.</summary>
    /// <param name="log">Whose.</param>
    /// <param name="calls">As how many; more than a burst counts as one.</param>
    /// <returns>Null, or when to come again: they are too many, and none was counted.</returns>
    public TimeSpan? Charge(LogKey log, long calls = 1)
    {
        if (calls <= 0) return null;
        using var lease = _calls.AttemptAcquire(log, (int)Math.Min(calls, Burst));
        return lease.IsAcquired ? null : lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.FromSeconds(1);
    }

    /// <inheritdoc/>
    public void Dispose() => _calls.Dispose();
}
