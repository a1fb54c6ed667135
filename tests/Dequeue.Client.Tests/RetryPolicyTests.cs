namespace Dequeue.Client.Tests;

public sealed class RetryPolicyTests
{
    private static readonly RetryPolicy Policy = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(60), MaxAttempts: 8);
    private static readonly SyncFailure Transient = new(SyncFailureKind.Throttled, "busy");

    [Theory]
    [InlineData(1, 1.0, 1)]
    [InlineData(2, 1.0, 2)]
    [InlineData(3, 1.0, 4)]
    [InlineData(5, 1.0, 10)]
    [InlineData(7, 0.5, 5)]
    [InlineData(3, 0.0, 0)]
    public void The_ceiling_doubles_up_to_the_limit_and_the_wait_lies_anywhere_below(int failures, double random, double seconds)
        => Assert.Equal(TimeSpan.FromSeconds(seconds), Policy.Delay(failures, Transient, random));

    [Fact]
    public void The_servers_wish_is_waited_for_in_full()
        => Assert.Equal(TimeSpan.FromSeconds(30.1), Policy.Delay(1, Transient with { RetryAfter = TimeSpan.FromSeconds(30) }, 1));

    [Fact]
    public void Who_tries_again_without_end_waits_no_longer_than_the_longest_wish_that_counts()
        => Assert.Equal(TimeSpan.FromSeconds(60.1), Policy.Backoff(1, TimeSpan.FromDays(24_855), 1));

    [Fact]
    public void It_ends_after_the_last_attempt_at_a_wish_too_long_and_at_what_repeating_does_not_help()
    {
        Assert.NotNull(Policy.Delay(7, Transient, 1));
        Assert.Null(Policy.Delay(8, Transient, 1));
        Assert.Null(Policy.Delay(1, Transient with { RetryAfter = TimeSpan.FromSeconds(61) }, 1));
        foreach (var kind in Enum.GetValues<SyncFailureKind>())
        {
            var isFinal = kind is SyncFailureKind.Refused or SyncFailureKind.Unauthorized or SyncFailureKind.BadAnswer or SyncFailureKind.HistoryChanged;
            Assert.Equal(isFinal, Policy.Delay(1, new SyncFailure(kind, ""), 1) is null);
        }
    }

    [Fact]
    public void Ten_thousand_failures_do_not_overflow()
        => Assert.Equal(TimeSpan.FromSeconds(10), Policy.Backoff(10_000, null, 1));
}
