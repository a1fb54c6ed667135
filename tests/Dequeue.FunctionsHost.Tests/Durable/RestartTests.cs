using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Dequeue.FunctionsHost.Durable;

namespace Dequeue.FunctionsHost.Tests.Durable;

public sealed class RestartTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Orderly_stopping_lets_activities_finish_and_starting_goes_on()
    {
        var entered = new TaskCompletionSource();
        var gate = new TaskCompletionSource();
        var runs = 0;
        await using var engine = new EngineHarness();
        engine
            .Activity("Slow", async (_, cancellationToken) =>
            {
                Interlocked.Increment(ref runs);
                entered.TrySetResult();
                await gate.Task.WaitAsync(cancellationToken);
                return "slow";
            })
            .Activity("Next", input => input + "er")
            .Orchestrator("Two", async context =>
                await context.CallActivityAsync<string>("Next", await context.CallActivityAsync<string>("Slow")));
        await engine.StartAsync();
        var id = await engine.BeginAsync("Two");
        await entered.Task.WaitAsync(Test);

        var stopping = engine.StopAsync();
        Assert.False(stopping.IsCompleted);
        gate.SetResult();
        await stopping;
        await engine.StartAsync();

        Assert.Equal("slower", (await engine.EndAsync(id)).ReadOutputAs<string>());
        Assert.Equal(1, runs);
    }

    [Fact]
    public async Task An_activity_that_is_stopped_runs_again_at_the_next_start()
    {
        var entered = new TaskCompletionSource();
        var runs = 0;
        await using var engine = new EngineHarness();
        engine
            .Activity("Slow", async (_, cancellationToken) =>
            {
                if (Interlocked.Increment(ref runs) == 1)
                {
                    entered.TrySetResult();
                    await Task.Delay(Timeout.Infinite, cancellationToken);
                }

                return "at last";
            })
            .Orchestrator("One", async context => await context.CallActivityAsync<string>("Slow"));
        await engine.StartAsync();
        var id = await engine.BeginAsync("One");
        await entered.Task.WaitAsync(Test);
        await engine.StopAsync(atOnce: true);
        await engine.StartAsync();

        Assert.Equal("at last", (await engine.EndAsync(id)).ReadOutputAs<string>());
        Assert.Equal(2, runs);
    }

    [Fact]
    public async Task Timers_that_ran_out_while_nobody_was_there_fire_at_the_start()
    {
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        await using var engine = new EngineHarness { Clock = clock };
        engine
            .Orchestrator("Alarm", async context =>
            {
                await context.CreateTimer(TimeSpan.FromHours(1), CancellationToken.None);
                return "rung";
            });
        await engine.StartAsync();
        var id = await engine.BeginAsync("Alarm");
        await engine.UntilAsync(database => database.Timers().Count == 1);
        await engine.StopAsync();
        clock.Advance(TimeSpan.FromHours(2));
        await engine.StartAsync();

        Assert.Equal("rung", (await engine.EndAsync(id)).ReadOutputAs<string>());
    }

    [Fact]
    public async Task A_file_serves_one_engine_at_a_time()
    {
        await using var engine = new EngineHarness();
        engine.Orchestrator("Any", _ => Task.FromResult<object?>(1));
        await engine.StartAsync();
        var refused = Assert.Throws<InvalidOperationException>(() => new DurableStore(engine.Path));
        Assert.Equal($"The durable store '{engine.Path}' is in use by another process.", refused.Message);
    }

    [Fact]
    public async Task Activities_at_once_are_as_many_as_allowed()
    {
        var running = 0;
        var most = 0;
        var gate = new TaskCompletionSource();
        await using var engine = new EngineHarness { MaxConcurrentActivities = 3 };
        engine
            .Activity("Count", async (_, cancellationToken) =>
            {
                most = Math.Max(most, Interlocked.Increment(ref running));
                await gate.Task.WaitAsync(cancellationToken);
                Interlocked.Decrement(ref running);
                return null;
            })
            .Orchestrator("Many", async context =>
            {
                await Task.WhenAll(Enumerable.Range(0, 9).Select(_ => context.CallActivityAsync("Count")));
                return null;
            });
        await engine.StartAsync();
        var id = await engine.BeginAsync("Many");
        await Eventually.TrueAsync(() => Volatile.Read(ref running) == 3);
        gate.SetResult();
        await engine.EndAsync(id);

        Assert.Equal(3, most);
    }

    /// <summary>
    /// The scripted orchestration has points in its code and before and after the effect of each activity. At each of them the file is
    /// copied as it would be left if the process were killed there, and an engine that starts on the copy must come to the same outcome.
    /// </summary>
    [Fact]
    public async Task Killed_at_any_point_an_orchestration_comes_to_the_same_outcome()
    {
        const string Expected = "first1,answer1,both1.1,both1.2,again1,child1,first2,answer2,both2.1,both2.2,again2,child2";
        var folder = Directory.CreateTempSubdirectory("killed-").FullName;
        try
        {
            await using var engine = new EngineHarness();
            var first = new ScriptedRun(engine, folder, copies: true);
            Assert.Equal(Expected, await first.RunAsync(null));
            Assert.InRange(first.Copies.Count, 40, 60);
            foreach (var (copy, effects) in first.Copies)
            {
                await using var next = new EngineHarness();
                var second = new ScriptedRun(next, folder, copies: false);
                Assert.Equal((copy, Expected), (copy, await second.RunAsync(copy)));
                var all = effects.Concat(second.Effects).ToList();
                Assert.Equal(["both1.1", "both1.2", "both2.1", "both2.2", "first1", "first2"], all.Distinct().Order());
                Assert.InRange(all.Count, 6, 8);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>A run of the script, from its start or from a copy of the file.</summary>
    private sealed class ScriptedRun(EngineHarness engine, string folder, bool copies)
    {
        private readonly HashSet<string> _failedOnce = [];
        private readonly Lock _lock = new();

        public List<string> Effects { get; } = [];

        public List<(string Path, List<string> Effects)> Copies { get; } = [];

        public async Task<string?> RunAsync(string? copy)
        {
            engine
                .Activity("Effect", Effect)
                .Activity("Ask", AskAsync)
                .Activity("FailsOnce", FailOnce)
                .Orchestrator<string>("Child", async context =>
                {
                    Point(context);
                    await context.CreateTimer(TimeSpan.FromMilliseconds(1), CancellationToken.None);
                    Point(context);
                    return context.GetInput<string>();
                })
                .Orchestrator<List<string>>("Script", ScriptAsync);
            if (copy is not null)
            {
                File.Copy(copy, engine.Path);
            }

            await engine.StartAsync();
            if (copy is null)
            {
                await engine.BeginAsync("Script", new List<string>(), "script");
            }

            return (await engine.EndAsync("script")).ReadOutputAs<string>();
        }

        private async Task<object?> ScriptAsync(TaskOrchestrationContext context)
        {
            var steps = context.GetInput<List<string>>()!;
            var round = steps.Count == 0 ? 1 : 2;
            Point(context);
            steps.Add(await context.CallActivityAsync<string>("Effect", $"first{round}"));
            Point(context);
            await context.CreateTimer(TimeSpan.FromMilliseconds(1), CancellationToken.None);
            Point(context);
            await context.CallActivityAsync("Ask", round);
            Point(context);
            steps.Add(await context.WaitForExternalEvent<string>($"answer{round}"));
            Point(context);
            var both = Enumerable.Range(1, 2).Select(i => context.CallActivityAsync<string>("Effect", $"both{round}.{i}"));
            steps.AddRange(await Task.WhenAll(both));
            Point(context);
            var retry = TaskOptions.FromRetryPolicy(new RetryPolicy(3, TimeSpan.FromMilliseconds(1)));
            steps.Add(await context.CallActivityAsync<string>("FailsOnce", $"again{round}", retry));
            Point(context);
            steps.Add(await context.CallSubOrchestratorAsync<string>("Child", $"child{round}"));
            Point(context);
            if (round == 2)
            {
                return string.Join(',', steps);
            }

            context.ContinueAsNew(steps);
            return null;
        }

        private object? Effect(string? name)
        {
            Point();
            lock (_lock)
            {
                Effects.Add(name!);
            }

            Point();
            return name;
        }

        private async Task<object?> AskAsync(string? round, CancellationToken cancellationToken)
        {
            Point();
            await engine.Client.RaiseEventAsync("script", $"ANSWER{round}", $"answer{round}", cancellationToken);
            Point();
            return null;
        }

        private object? FailOnce(string? name)
        {
            Point();
            return _failedOnce.Add(name!) ? throw new IOException("once") : name;
        }

        private void Point(TaskOrchestrationContext context)
        {
            if (!context.IsReplaying)
            {
                Point();
            }
        }

        private void Point()
        {
            if (copies)
            {
                lock (_lock)
                {
                    var copy = Path.Combine(folder, $"{Copies.Count}.db");
                    engine.CopyStore(copy);
                    Copies.Add((copy, [.. Effects]));
                }
            }
        }
    }
}
