using System.Collections.Concurrent;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Dequeue.FunctionsHost.Durable;

namespace Dequeue.FunctionsHost.Tests.Durable;

public sealed class OrchestrationTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Activities_run_in_turn_and_hand_on_their_results()
    {
        await using var engine = new EngineHarness();
        engine
            .Activity("Twice", input => int.Parse(input!, null) * 2)
            .Orchestrator<int>("Double", async context =>
            {
                var value = await context.CallActivityAsync<int>("Twice", context.GetInput<int>());
                value = await context.CallActivityAsync<int>("TWICE", value);
                return await context.CallActivityAsync<int>("Twice", value);
            });
        await engine.StartAsync();

        var done = await engine.RunAsync("double", 5);

        Assert.Equal(OrchestrationRuntimeStatus.Completed, done.RuntimeStatus);
        Assert.Equal(40, done.ReadOutputAs<int>());
        Assert.Equal(5, done.ReadInputAs<int>());
        Assert.True(done.IsCompleted);
        Assert.False(done.IsRunning);
        Assert.Equal("double", done.Name);
        Assert.Equal(0, engine.Count("history") + engine.Count("inbox") + engine.Count("activities") + engine.Count("timers"));
    }

    [Fact]
    public async Task The_code_is_replayed_at_each_step_and_sees_the_same_clock_and_ids()
    {
        var seen = new ConcurrentQueue<(DateTime Time, Guid Id, bool Replaying)>();
        await using var engine = new EngineHarness();
        engine
            .Activity("Nothing", _ => null)
            .Orchestrator("Look", async context =>
            {
                var logger = context.CreateReplaySafeLogger("look");
                seen.Enqueue((context.CurrentUtcDateTime, context.NewGuid(), context.IsReplaying));
#pragma warning disable CA2254
                logger.Log(Microsoft.Extensions.Logging.LogLevel.Information, default, "once", null, (text, _) => text);
#pragma warning restore CA2254
                await context.CallActivityAsync("Nothing");
                await context.CallActivityAsync("Nothing");
                return new { First = context.NewGuid(), Second = context.NewGuid() };
            });
        await engine.StartAsync();

        var done = await engine.RunAsync("Look");

        var runs = seen.ToArray();
        Assert.Equal(3, runs.Length);
        Assert.Single(runs.Select(run => (run.Time, run.Id)).Distinct());
        Assert.Equal([false, true, true], runs.Select(run => run.Replaying));
        Assert.Equal(DateTimeKind.Utc, runs[0].Time.Kind);
        Assert.Single(engine.Loggers.Lines, "once");
        Assert.Equal(2, done.ReadOutputAs<Dictionary<string, Guid>>()!.Values.Append(runs[0].Id).Distinct().Count() - 1);
    }

    [Fact]
    public async Task Activities_fan_out_and_join_and_the_first_can_win()
    {
        var gate = new TaskCompletionSource();
        await using var engine = new EngineHarness();
        engine
            .Activity("Echo", input => input)
            .Activity("Never", async (_, cancellationToken) =>
            {
                await gate.Task.WaitAsync(cancellationToken);
                return "late";
            })
            .Orchestrator("Fan", async context =>
            {
                var all = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => context.CallActivityAsync<string>("Echo", $"{i}")));
                var never = context.CallActivityAsync<string>("Never");
                var first = await Task.WhenAny(never, context.CallActivityAsync<string>("Echo", "won"));
                return string.Join(',', all.Append(await first));
            });
        await engine.StartAsync();

        var id = await engine.BeginAsync("Fan");
        await engine.UntilAsync(database => database.History(id).Exists(happened => happened.Payload == "\"won\""));
        gate.SetResult();

        Assert.Equal(string.Join(',', Enumerable.Range(0, 20)) + ",won", (await engine.EndAsync(id)).ReadOutputAs<string>());
    }

    [Fact]
    public async Task Unknown_names_are_refused()
    {
        await using var engine = new EngineHarness();
        engine
            .Activity("Known", _ => null)
            .Orchestrator("Lost", async context => await context.CallActivityAsync<string>("Unknown"));
        await engine.StartAsync();

        var start = await Assert.ThrowsAsync<ArgumentException>(() => engine.BeginAsync("Elsewhere"));
        Assert.Equal("There is no orchestrator function 'Elsewhere'.", start.Message);
        var lost = await engine.RunAsync("Lost");
        Assert.EndsWith(": There is no activity function 'Unknown'.", lost.FailureDetails!.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_id_is_refused_while_its_instance_lives_and_reused_once_it_has_ended()
    {
        await using var engine = new EngineHarness();
        engine
            .Orchestrator("Wait", async context => await context.WaitForExternalEvent<string>("go"));
        await engine.StartAsync();
        await engine.BeginAsync("Wait", id: "one");

        var refused = await Assert.ThrowsAsync<DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException>(
            () => engine.BeginAsync("Wait", id: "one"));
        Assert.Equal("An Orchestration instance with the ID one already exists.", refused.Message);
        await Assert.ThrowsAnyAsync<InvalidOperationException>(() => engine.BeginAsync("Wait", id: "one"));

        await engine.Client.RaiseEventAsync("one", "go", "first", Test);
        Assert.Equal("first", (await engine.EndAsync("one")).ReadOutputAs<string>());
        await engine.BeginAsync("Wait", id: "one");
        await engine.Client.RaiseEventAsync("one", "go", "second", Test);
        Assert.Equal("second", (await engine.EndAsync("one")).ReadOutputAs<string>());
    }

    [Theory]
    [InlineData("@entity")]
    [InlineData("a/b")]
    [InlineData("a#b")]
    [InlineData("a\nb")]
    public async Task An_id_that_Azure_would_refuse_is_refused(string id)
    {
        await using var engine = new EngineHarness();
        engine.Orchestrator("Any", _ => Task.FromResult<object?>(null));
        await engine.StartAsync();
        await Assert.ThrowsAsync<ArgumentException>(() => engine.BeginAsync("Any", id: id));
        await Assert.ThrowsAsync<ArgumentException>(() => engine.BeginAsync("Any", id: new string('x', 101)));
        Assert.Equal(0, engine.Count("instances"));
    }

    [Fact]
    public async Task Metadata_holds_values_only_when_they_are_asked_for()
    {
        await using var engine = new EngineHarness();
        engine
            .Orchestrator("Wait", async context =>
            {
                context.SetCustomStatus(new { at = 1 });
                return await context.WaitForExternalEvent<string>("go");
            });
        await engine.StartAsync();
        var id = await engine.BeginAsync("Wait", "in");
        var running = await engine.Client.WaitForInstanceStartAsync(id, Test);

        Assert.Equal(OrchestrationRuntimeStatus.Running, running.RuntimeStatus);
        Assert.True(running.IsRunning);
        Assert.Null(running.SerializedInput);
        Assert.Null(running.SerializedCustomStatus);
        Assert.Throws<InvalidOperationException>(() => running.ReadInputAs<string>());
        var full = await engine.Client.GetInstanceAsync(id, getInputsAndOutputs: true, Test);
        Assert.Equal("in", full!.ReadInputAs<string>());
        Assert.Equal("""{"at":1}""", full.SerializedCustomStatus);
        Assert.Null(await engine.Client.GetInstanceAsync("nobody", Test));
    }

    [Fact]
    public async Task Values_that_are_too_long_are_refused_by_name()
    {
        await using var engine = new EngineHarness();
        engine
            .Activity("Long", _ => new string('x', Limits.MaxPayload))
            .Orchestrator("Output", _ => Task.FromResult<object?>(new string('x', Limits.MaxPayload)))
            .Orchestrator("Status", context =>
            {
                context.SetCustomStatus(new string('x', Limits.MaxCustomStatus));
                return Task.FromResult<object?>(null);
            })
            .Orchestrator("Result", async context => await context.CallActivityAsync<string>("Long"));
        await engine.StartAsync();

        const string Limit = " is 1,048,578 characters of JSON; durable history takes at most 1,048,576.";
        Assert.Equal("The output of orchestrator 'Output'" + Limit, (await engine.RunAsync("Output")).FailureDetails!.ErrorMessage);
        Assert.Contains(
            "The result of activity 'Long'" + Limit,
            (await engine.RunAsync("Result")).FailureDetails!.ErrorMessage,
            StringComparison.Ordinal);
        Assert.Contains(
            "The custom status is 8,194",
            (await engine.RunAsync("Status")).FailureDetails!.ErrorMessage,
            StringComparison.Ordinal);
        var start = await Assert.ThrowsAsync<ArgumentException>(() => engine.BeginAsync("Output", new string('x', Limits.MaxPayload)));
        Assert.Equal("The input of orchestrator 'Output'" + Limit, start.Message);
        Assert.Equal(0, engine.Count("inbox"));
    }

    [Fact]
    public async Task Inputs_of_activities_do_not_enter_history()
    {
        await using var engine = new EngineHarness();
        engine
            .Activity("Take", _ => "taken")
            .Orchestrator("Give", async context =>
            {
                await context.CallActivityAsync("Take", "a secret load");
                return await context.WaitForExternalEvent<string>("go");
            });
        await engine.StartAsync();
        await engine.BeginAsync("Give", id: "give");
        await engine.UntilAsync(database => database.History("give").Exists(happened => happened.Kind == EventKind.ActivityCompleted));

        var history = engine.Engine.Store.Read(database => database.History("give"));
        Assert.Contains(history, happened => happened is { Kind: EventKind.ActivityScheduled, Name: "Take", Payload: null });
        Assert.DoesNotContain(history, happened => happened.Payload?.Contains("secret", StringComparison.Ordinal) == true);
    }

    [Fact]
    public async Task A_start_can_be_put_off_and_events_that_come_before_it_are_kept()
    {
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        await using var engine = new EngineHarness { Clock = clock };
        engine
            .Orchestrator("Late", async context => await context.WaitForExternalEvent<string>("go"));
        await engine.StartAsync();
        var start = clock.GetUtcNow().AddDays(60);
        var id = await engine.Client.ScheduleNewOrchestrationInstanceAsync("Late", new StartOrchestrationOptions("late", start), Test);
        await engine.Client.RaiseEventAsync(id, "go", "early", Test);

        Assert.Equal(OrchestrationRuntimeStatus.Pending, (await engine.Client.GetInstanceAsync(id, Test))!.RuntimeStatus);
        await engine.StopAsync();
        await engine.StartAsync();
        clock.Advance(TimeSpan.FromDays(60));
        var done = await engine.EndAsync(id);

        Assert.Equal("early", done.ReadOutputAs<string>());
        Assert.Equal(start, done.LastUpdatedAt);
    }

    [Fact]
    public async Task Instances_are_listed_by_page_and_filter_and_purged_once_ended()
    {
        await using var engine = new EngineHarness();
        engine
            .Orchestrator("Done", _ => Task.FromResult<object?>(1))
            .Orchestrator("Wait", async context => await context.WaitForExternalEvent<string>("go"));
        await engine.StartAsync();
        foreach (var i in Enumerable.Range(0, 7))
        {
            await engine.RunAsync("Done", id: $"done{i}");
        }

        await engine.BeginAsync("Wait", id: "wait");
        await engine.Client.WaitForInstanceStartAsync("wait", Test);

        var all = engine.Client.GetAllInstancesAsync(new OrchestrationQuery(PageSize: 3, FetchInputsAndOutputs: true));
        Assert.Equal(
            [.. Enumerable.Range(0, 7).Select(i => $"done{i}"), "wait"],
            await all.Select(instance => instance.InstanceId).ToListAsync(Test));
        var page = await all.AsPages(pageSizeHint: 3).FirstAsync(Test);
        Assert.Equal("done2", page.ContinuationToken);
        var running = engine.Client.GetAllInstancesAsync(new OrchestrationQuery(Statuses: [OrchestrationRuntimeStatus.Running]));
        Assert.Equal("wait", (await running.SingleAsync(Test)).InstanceId);
        var prefixed = engine.Client.GetAllInstancesAsync(
            new OrchestrationQuery(InstanceIdPrefix: "done", CreatedFrom: DateTimeOffset.MinValue));
        Assert.Equal(7, await prefixed.CountAsync(Test));

        Assert.Equal(1, (await engine.Client.PurgeInstanceAsync("done0", Test)).PurgedInstanceCount);
        Assert.Equal(0, (await engine.Client.PurgeInstanceAsync("done0", Test)).PurgedInstanceCount);
        Assert.Equal(0, (await engine.Client.PurgeInstanceAsync("wait", Test)).PurgedInstanceCount);
        Assert.Null(await engine.Client.GetInstanceAsync("done0", Test));
    }

    [Fact]
    public async Task Hundreds_of_orchestrations_at_once_all_end_right()
    {
        await using var engine = new EngineHarness();
        engine
            .Activity("Next", input => int.Parse(input!, null) + 1)
            .Orchestrator<int>("Count", async context =>
            {
                var value = context.GetInput<int>();
                for (var i = 0; i < 3; i++)
                {
                    value = await context.CallActivityAsync<int>("Next", value);
                }

                return value;
            });
        await engine.StartAsync();

        var ids = await Task.WhenAll(Enumerable.Range(0, 300).Select(i => engine.BeginAsync("Count", i)));
        var done = await Task.WhenAll(ids.Select(id => engine.Client.WaitForInstanceCompletionAsync(id, true, Test)));

        Assert.Equal(Enumerable.Range(3, 300), done.Select(instance => instance.ReadOutputAs<int>()));
    }
}
