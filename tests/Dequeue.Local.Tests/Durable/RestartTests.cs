using System.Diagnostics;
using Dequeue.Local.Durable;
using Dequeue.Local.Durable.Engine;

namespace Dequeue.Local.Tests.Durable;

public sealed class RestartTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Orderly_stopping_lets_activities_finish_and_starting_goes_on()
    {
        var entered = new TaskCompletionSource();
        var gate = new TaskCompletionSource();
        var runs = 0;
        await using var engine = await new EngineHarness()
            .Activity("Slow", async (_, cancellationToken) =>
            {
                Interlocked.Increment(ref runs);
                entered.TrySetResult();
                await gate.Task.WaitAsync(cancellationToken);
                return "slow";
            })
            .Activity("Next", input => input + "er")
            .Orchestrator("Two", async context => await context.CallActivityAsync<string>("Next", await context.CallActivityAsync<string>("Slow")))
            .StartAsync();
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
        await using var engine = await new EngineHarness()
            .Activity("Slow", async (_, cancellationToken) =>
            {
                if (Interlocked.Increment(ref runs) == 1)
                {
                    entered.TrySetResult();
                    await Task.Delay(Timeout.Infinite, cancellationToken);
                }

                return "at last";
            })
            .Orchestrator("One", async context => await context.CallActivityAsync<string>("Slow"))
            .StartAsync();
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
        await using var engine = await new EngineHarness { Clock = clock }
            .Orchestrator("Alarm", async context =>
            {
                await context.CreateTimer(TimeSpan.FromHours(1), CancellationToken.None);
                return "rung";
            })
            .StartAsync();
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
        await using var engine = await new EngineHarness().Orchestrator("Any", _ => Task.FromResult<object?>(1)).StartAsync();
        var refused = Assert.Throws<InvalidOperationException>(() => new DurableStore(engine.Path));
        Assert.Equal($"The durable store '{engine.Path}' is in use by another process.", refused.Message);
    }

    [Fact]
    public async Task Activities_at_once_are_as_many_as_allowed()
    {
        var running = 0;
        var most = 0;
        var gate = new TaskCompletionSource();
        await using var engine = await new EngineHarness { MaxConcurrentActivities = 3 }
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
            })
            .StartAsync();
        var id = await engine.BeginAsync("Many");
        await Eventually.TrueAsync(() => Volatile.Read(ref running) == 3);
        gate.SetResult();
        await engine.EndAsync(id);

        Assert.Equal(3, most);
    }

    /// <summary>
    /// The scripted orchestration has points in its code and before and after the effect of each activity. A process is killed
    /// at each of them in turn, and the next one must come to the same outcome.
    /// </summary>
    [Fact]
    public async Task Killed_at_any_point_an_orchestration_comes_to_the_same_outcome()
    {
        const string Expected =
            """Completed {"Steps":["first1","answer1","both1.1","both1.2","again1","first2","answer2","both2.1","both2.2","again2"]}""";
        var folder = Directory.CreateTempSubdirectory("killed-").FullName;
        try
        {
            var kills = 0;
            for (var point = 1; ; point++)
            {
                var path = Path.Combine(folder, $"{point}.db");
                var (killed, output) = await RunScriptAsync(path, point);
                if (!killed)
                {
                    Assert.Equal(Expected, output);
                    break;
                }

                kills++;
                (killed, output) = await RunScriptAsync(path, 0);
                Assert.False(killed);
                Assert.Equal((point, Expected), (point, output));
                var effects = await File.ReadAllLinesAsync(path + ".effects", Test);
                Assert.Equal(["both1.1", "both1.2", "both2.1", "both2.2", "first1", "first2"], effects.Distinct().Order());
                Assert.InRange(effects.Length, 6, 8);
            }

            Assert.InRange(kills, 30, 60);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<(bool Killed, string Output)> RunScriptAsync(string path, int point)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList = { Path.Combine(AppContext.BaseDirectory, "Dequeue.Local.TestApp.dll"), "script", path },
            RedirectStandardOutput = true,
        };
        if (point > 0)
        {
            start.ArgumentList.Add($"{point}");
        }

        using var process = Process.Start(start)!;
        try
        {
            var output = await process.StandardOutput.ReadToEndAsync(Test).WaitAsync(TimeSpan.FromSeconds(30), Test);
            await process.WaitForExitAsync(Test);
            return (process.ExitCode != 0, output.Trim());
        }
        catch
        {
            process.Kill();
            throw;
        }
    }
}
