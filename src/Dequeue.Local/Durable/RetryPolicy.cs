namespace Dequeue.Local.Durable;

/// <summary>How often, and how far apart, a failed activity is tried again.</summary>
public class RetryPolicy
{
    /// <summary>A policy.</summary>
    /// <param name="maxNumberOfAttempts">Attempts in all, the first included; at least 1.</param>
    /// <param name="firstRetryInterval">The wait before the second attempt; above zero.</param>
    /// <param name="backoffCoefficient">What each wait is multiplied by to give the next; at least 1.</param>
    /// <param name="maxRetryInterval">The longest wait; an hour when null.</param>
    /// <param name="retryTimeout">No attempt starts later than this after the first; without limit when null.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    public RetryPolicy(
        int maxNumberOfAttempts,
        TimeSpan firstRetryInterval,
        double backoffCoefficient = 1.0,
        TimeSpan? maxRetryInterval = null,
        TimeSpan? retryTimeout = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxNumberOfAttempts);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(firstRetryInterval, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(backoffCoefficient, 1.0);
        MaxNumberOfAttempts = maxNumberOfAttempts;
        FirstRetryInterval = firstRetryInterval;
        BackoffCoefficient = backoffCoefficient;
        MaxRetryInterval = AtLeastTheFirst(maxRetryInterval, nameof(maxRetryInterval)) ?? TimeSpan.FromHours(1);
        RetryTimeout = AtLeastTheFirst(retryTimeout, nameof(retryTimeout)) ?? Timeout.InfiniteTimeSpan;

        TimeSpan? AtLeastTheFirst(TimeSpan? value, string name) =>
            value < firstRetryInterval && value != Timeout.InfiniteTimeSpan
                ? throw new ArgumentOutOfRangeException(name, value, $"{name} must not be shorter than {nameof(firstRetryInterval)}.")
                : value;
    }

    /// <summary>Attempts in all, the first included.</summary>
    public int MaxNumberOfAttempts { get; }

    /// <summary>The wait before the second attempt.</summary>
    public TimeSpan FirstRetryInterval { get; }

    /// <summary>What each wait is multiplied by to give the next.</summary>
    public double BackoffCoefficient { get; }

    /// <summary>The longest wait.</summary>
    public TimeSpan MaxRetryInterval { get; }

    /// <summary>No attempt starts later than this after the first; <see cref="Timeout.InfiniteTimeSpan"/> for no limit.</summary>
    public TimeSpan RetryTimeout { get; }

    /// <summary>Says of each failure whether it is worth another attempt; all are by default. Must be deterministic.</summary>
    public Func<TaskFailureDetails, bool> HandleFailure
    {
        init => Handle = value;
    }

    internal Func<TaskFailureDetails, bool> Handle { get; private init; } = static _ => true;
}
