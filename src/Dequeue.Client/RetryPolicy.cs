namespace Dequeue.Client;

/// <summary>Exponential back-off with full jitter: a random wait below a ceiling that doubles, so that devices which failed
/// together do not come back together.</summary>
internal readonly record struct RetryPolicy(TimeSpan BaseDelay, TimeSpan MaxDelay, TimeSpan MaxRetryAfter, int MaxAttempts)
{
    public static RetryPolicy Of(SyncOptions options) => new(options.BaseDelay, options.MaxDelay, options.MaxRetryAfter, options.MaxAttempts);

    /// <summary>How long to wait after so many consecutive failures, the last of which is <paramref name="failure"/>.</summary>
    /// <param name="failures">1 or more.</param>
    /// <param name="failure">What the server's own wish is taken from.</param>
    /// <param name="random">0 to 1.</param>
    /// <returns>Null when another attempt makes no sense.</returns>
    public TimeSpan? Delay(int failures, SyncFailure failure, double random)
        => !failure.IsTransient || failures >= MaxAttempts || failure.RetryAfter > MaxRetryAfter ? null : Backoff(failures, failure.RetryAfter, random);

    /// <summary>The wait without a bound on the attempts: at least what the server asked for, unless that is more than
    /// <see cref="MaxRetryAfter"/>. Something on the way may ask for years.</summary>
    public TimeSpan Backoff(int failures, TimeSpan? retryAfter, double random)
    {
        var ceiling = Math.Min(MaxDelay.TotalMilliseconds, BaseDelay.TotalMilliseconds * Math.Pow(2, Math.Min(failures - 1, 30)));
        var wait = TimeSpan.FromMilliseconds(ceiling * random);
        return retryAfter is { } asked ? (asked < MaxRetryAfter ? asked : MaxRetryAfter) + wait / 10 : wait;
    }
}
