using System.Collections.Concurrent;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Dequeue.FunctionsHost.Durable;
using Microsoft.Extensions.Time.Testing;

namespace Dequeue.FunctionsHost.Tests.Durable;

public sealed class RetryTests
{
    private static async Task<(OrchestrationMetadata Done, List<double> Seconds)> RunAsync(TaskOptions options, Func<int, object?> attempt)
    {
        var clock = new FakeTimeProvider();
        var began = clock.GetUtcNow();
        var attempts = new ConcurrentQueue<double>();
        await using var engine = new EngineHarness { Clock = clock };
        engine
            .Activity("Try", _ =>
            {
                attempts.Enqueue((clock.GetUtcNow() - began).TotalSeconds);
                return attempt(attempts.Count);
            })
            .Orchestrator("Retry", async context => await context.CallActivityAsync<string>("Try", options: options));
        await engine.StartAsync();
        var ended = engine.EndAsync(await engine.BeginAsync("Retry"));
        while (!ended.IsCompleted)
        {
            // Each timer that is set is let run out, and no more than that.
            await Eventually.TrueAsync(() => ended.IsCompleted || engine.Count("timers") == 1);
            if (engine.Engine.Store.Read(database => database.Timers()) is [var timer])
            {
                clock.SetUtcNow(new DateTimeOffset(timer.At));
                await Eventually.TrueAsync(() => !engine.Engine.Store.Read(database => database.Timers()).Contains(timer));
            }
        }

        return (await ended, [.. attempts]);
    }

    [Fact]
    public async Task Waits_grow_by_the_coefficient_up_to_the_longest()
    {
        var policy = new RetryPolicy(6, TimeSpan.FromSeconds(1), 2, TimeSpan.FromSeconds(5));
        var (done, seconds) = await RunAsync(TaskOptions.FromRetryPolicy(policy), count => count < 6 ? throw new IOException("no") : "yes");

        Assert.Equal("yes", done.ReadOutputAs<string>());
        Assert.Equal([0, 1, 3, 7, 12, 17], seconds);
    }

    [Fact]
    public async Task The_last_failure_is_thrown_when_the_attempts_are_used_up()
    {
        var (done, seconds) = await RunAsync(
            TaskOptions.FromRetryPolicy(new RetryPolicy(3, TimeSpan.FromSeconds(2))), count => throw new IOException($"no {count}"));

        Assert.Equal([0, 2, 4], seconds);
        Assert.EndsWith("no 3", done.FailureDetails!.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_attempt_starts_after_the_timeout()
    {
        var policy = new RetryPolicy(10, TimeSpan.FromSeconds(2), retryTimeout: TimeSpan.FromSeconds(5));
        var (done, seconds) = await RunAsync(TaskOptions.FromRetryPolicy(policy), _ => throw new IOException("no"));

        Assert.Equal(OrchestrationRuntimeStatus.Failed, done.RuntimeStatus);
        Assert.Equal([0, 2, 4], seconds.Where(second => second <= 5));
        Assert.DoesNotContain(seconds, second => second > 6);
    }

    [Fact]
    public async Task A_failure_that_is_not_handled_is_not_tried_again()
    {
        var policy = new RetryPolicy(5, TimeSpan.FromSeconds(1)) { HandleFailure = failure => failure.IsCausedBy<IOException>() };
        var (done, seconds) = await RunAsync(
            TaskOptions.FromRetryPolicy(policy),
            count => throw (count == 1 ? new FileNotFoundException("again") : new InvalidDataException("final")));

        Assert.Equal(2, seconds.Count);
        Assert.EndsWith("final", done.FailureDetails!.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handler_decides_after_each_failure_and_may_wait()
    {
        var options = TaskOptions.FromRetryHandler(async retry =>
        {
            await retry.OrchestrationContext.CreateTimer(TimeSpan.FromSeconds(3), retry.CancellationToken);
            return retry.LastAttemptNumber < 3 && retry.LastFailure.IsCausedBy<IOException>()
                && retry.TotalRetryTime < TimeSpan.FromMinutes(1);
        });
        var (done, seconds) = await RunAsync(options, _ => throw new IOException("no"));

        Assert.Equal([0, 3, 6], seconds);
        Assert.Equal(OrchestrationRuntimeStatus.Failed, done.RuntimeStatus);
    }
}
