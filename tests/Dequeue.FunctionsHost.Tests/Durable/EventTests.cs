using Grpc.Core;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Dequeue.FunctionsHost.Durable;
using Microsoft.Extensions.Time.Testing;

namespace Dequeue.FunctionsHost.Tests.Durable;

public sealed class EventTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    private static async Task RefusedAsync(StatusCode code, string sentence, Task call)
    {
        var refused = await Assert.ThrowsAsync<RpcException>(() => call);
        Assert.Equal((code, sentence), (refused.StatusCode, refused.Status.Detail));
    }

    [Fact]
    public async Task Events_are_kept_until_they_are_awaited_in_the_order_they_came()
    {
        await using var engine = new EngineHarness();
        engine
            .Activity("Work", _ => null)
            .Orchestrator("Listen", async context =>
            {
                var ready = await context.WaitForExternalEvent<string>("ready");
                await context.CallActivityAsync("Work");
                return ready + await context.WaitForExternalEvent<int>("Number") + await context.WaitForExternalEvent<int>("number");
            });
        await engine.StartAsync();
        var id = await engine.BeginAsync("Listen");
        await engine.Client.RaiseEventAsync(id, "NUMBER", 1, Test);
        await engine.Client.RaiseEventAsync(id, "number", 2, Test);
        await engine.Client.RaiseEventAsync(id, "ready", "r", Test);

        Assert.Equal("r12", (await engine.EndAsync(id)).ReadOutputAs<string>());
    }

    [Fact]
    public async Task What_is_sent_to_nobody_or_to_an_instance_that_has_ended_is_refused_and_leaves_no_trace()
    {
        await using var engine = new EngineHarness();
        engine.Orchestrator("End", _ => Task.FromResult<object?>(1));
        await engine.StartAsync();
        var id = (await engine.RunAsync("End")).InstanceId;

        await RefusedAsync(
            StatusCode.FailedPrecondition,
            "The orchestration instance with the provided instance id is not running.",
            engine.Client.RaiseEventAsync(id, "late", "x", Test));
        await RefusedAsync(
            StatusCode.NotFound,
            "No instance with ID 'nobody' was found.",
            engine.Client.RaiseEventAsync("nobody", "late", "x", Test));
        await RefusedAsync(
            StatusCode.FailedPrecondition,
            $"Cannot terminate the orchestration instance {id} because instance is in the Completed state.",
            engine.Client.TerminateInstanceAsync(id, Test));
        await RefusedAsync(
            StatusCode.NotFound,
            "No instance with ID 'nobody' was found.",
            engine.Client.TerminateInstanceAsync("nobody", Test));
        await RefusedAsync(
            StatusCode.Unknown,
            $"Cannot suspend the orchestration instance {id} because instance is in the Completed state.",
            engine.Client.SuspendInstanceAsync(id, cancellation: Test));
        await RefusedAsync(
            StatusCode.Unknown,
            $"Cannot resume the orchestration instance {id} because instance is in the Completed state.",
            engine.Client.ResumeInstanceAsync(id, cancellation: Test));

        Assert.Equal(0, engine.Count("inbox"));
        Assert.Equal(OrchestrationRuntimeStatus.Completed, (await engine.Client.GetInstanceAsync(id, Test))!.RuntimeStatus);
    }

    [Fact]
    public async Task A_wait_with_a_timeout_ends_with_the_event_or_a_TaskCanceledException()
    {
        var clock = new FakeTimeProvider();
        await using var engine = new EngineHarness { Clock = clock };
        engine
            .Orchestrator("Patience", async context =>
            {
                var first = await context.WaitForExternalEvent<string>("e", TimeSpan.FromHours(1));
                try
                {
                    return await context.WaitForExternalEvent<string>("e", TimeSpan.FromHours(1));
                }
                catch (TaskCanceledException)
                {
                    return first + " then none";
                }
            });
        await engine.StartAsync();
        var id = await engine.BeginAsync("Patience");
        await engine.Client.RaiseEventAsync(id, "e", "one", Test);
        await engine.UntilAsync(database => database.History(id).Exists(happened => happened.Kind == EventKind.EventRaised)
            && database.Timers().Count == 2);

        clock.Advance(TimeSpan.FromHours(1));

        Assert.Equal("one then none", (await engine.EndAsync(id)).ReadOutputAs<string>());
    }

    [Fact]
    public async Task An_orchestration_sends_events_to_another()
    {
        await using var engine = new EngineHarness();
        engine
            .Orchestrator("Receive", async context => await context.WaitForExternalEvent<string>("hello"))
            .Orchestrator("Send", context =>
            {
                context.SendEvent("nobody", "hello", "lost");
                context.SendEvent("receiver", "hello", "from " + context.InstanceId);
                return Task.FromResult<object?>(null);
            });
        await engine.StartAsync();
        await engine.BeginAsync("Receive", id: "receiver");
        await engine.RunAsync("Send", id: "sender");

        Assert.Equal("from sender", (await engine.EndAsync("receiver")).ReadOutputAs<string>());
    }

    [Fact]
    public async Task Timers_fire_at_their_time_and_not_when_cancelled()
    {
        var clock = new FakeTimeProvider();
        await using var engine = new EngineHarness { Clock = clock };
        engine
            .Orchestrator("Alarm", async context =>
            {
                var began = context.CurrentUtcDateTime;
                using var cancel = new CancellationTokenSource();
                var never = context.CreateTimer(TimeSpan.FromDays(2), cancel.Token);
                await context.CreateTimer(TimeSpan.FromDays(1), CancellationToken.None);
#pragma warning disable CA1849
                cancel.Cancel();
#pragma warning restore CA1849
                await Assert.ThrowsAsync<TaskCanceledException>(() => never);
                return context.CurrentUtcDateTime - began;
            });
        await engine.StartAsync();
        var id = await engine.BeginAsync("Alarm");
        await engine.UntilAsync(database => database.Timers().Count == 2);

        clock.Advance(TimeSpan.FromHours(23));
        Assert.Equal(2, engine.Count("timers"));
        clock.Advance(TimeSpan.FromHours(1));

        Assert.Equal(TimeSpan.FromDays(1), (await engine.EndAsync(id)).ReadOutputAs<TimeSpan>());
        Assert.Equal(0, engine.Count("timers"));
    }

    [Fact]
    public async Task Continuing_as_new_starts_over_with_an_empty_history_and_keeps_events()
    {
        await using var engine = new EngineHarness();
        engine
            .Activity("Echo", input => input)
            .Orchestrator<int>("Sum", async context =>
            {
                var sum = context.GetInput<int>();
                await context.CallActivityAsync("Echo", "x");
                sum += await context.WaitForExternalEvent<int>("add");
                if (sum < 55)
                {
                    context.ContinueAsNew(sum);
                    return null;
                }

                return sum;
            });
        await engine.StartAsync();
        var id = await engine.BeginAsync("Sum", 0);
        var longest = 0L;
        for (var i = 1; i <= 10; i++)
        {
            await engine.Client.RaiseEventAsync(id, "add", i, Test);
            longest = Math.Max(longest, engine.Count("history"));
        }

        var done = await engine.EndAsync(id);
        Assert.Equal(55, done.ReadOutputAs<int>());
        Assert.Equal(OrchestrationRuntimeStatus.Completed, done.RuntimeStatus);
        Assert.InRange(longest, 0, 25);
    }

    [Fact]
    public async Task Continuing_as_new_drops_events_if_told_to()
    {
        await using var engine = new EngineHarness();
        engine
            .Orchestrator<int>("Again", async context =>
            {
                if (context.GetInput<int>() == 0)
                {
                    await context.WaitForExternalEvent<string>("next");
                    context.ContinueAsNew(1, preserveUnprocessedEvents: false);
                    return null;
                }

                await context.WaitForExternalEvent<string>("last");
                return context.WaitForExternalEvent<string>("unclaimed").IsCompleted ? "an old event" : "none";
            });
        await engine.StartAsync();
        var id = await engine.BeginAsync("Again", 0);
        await engine.Client.RaiseEventAsync(id, "unclaimed", "x", Test);
        await engine.Client.RaiseEventAsync(id, "next", "x", Test);
        await engine.UntilAsync(database => database.Instance(id, true)!.Input == "1");
        await engine.Client.RaiseEventAsync(id, "last", "x", Test);

        Assert.Equal("none", (await engine.EndAsync(id)).ReadOutputAs<string>());
    }

    [Fact]
    public async Task Continuing_as_new_keeps_the_order_of_events_that_nobody_took()
    {
        await using var engine = new EngineHarness();
        engine
            .Activity("Echo", input => input)
            .Orchestrator<List<int>>("Collect", async context =>
            {
                var taken = context.GetInput<List<int>>()!;
                await context.CallActivityAsync("Echo", "x");
                taken.Add(await context.WaitForExternalEvent<int>("add"));
                if (taken.Count == 6)
                {
                    return string.Join(',', taken);
                }

                context.ContinueAsNew(taken);
                return null;
            });
        await engine.StartAsync();
        var id = await engine.BeginAsync("Collect", new List<int>());
        for (var i = 1; i <= 6; i++)
        {
            await engine.Client.RaiseEventAsync(id, "add", i, Test);
        }

        Assert.Equal("1,2,3,4,5,6", (await engine.EndAsync(id)).ReadOutputAs<string>());
    }

    [Fact]
    public async Task A_wait_that_is_open_when_the_orchestration_starts_over_takes_no_event_of_the_next_run()
    {
        var gate = new TaskCompletionSource();
        await using var engine = new EngineHarness();
        engine
            .Activity("Slow", async (_, cancellationToken) =>
            {
                await gate.Task.WaitAsync(cancellationToken);
                return null;
            })
            .Orchestrator<int>("Again", async context =>
            {
                var open = context.WaitForExternalEvent<string>("e");
                if (context.GetInput<int>() == 1)
                {
                    return await open;
                }

                await context.CallActivityAsync("Slow");
                context.ContinueAsNew(1);
                return null;
            });
        await engine.StartAsync();
        var id = await engine.BeginAsync("Again", 0);
        await engine.UntilAsync(database => database.Activities().Count == 1);

        // The end of the activity and the event come in one step, in this order.
        await engine.Client.SuspendInstanceAsync(id, cancellation: Test);
        await engine.UntilStatusAsync(id, OrchestrationRuntimeStatus.Suspended);
        gate.SetResult();
        await engine.UntilAsync(database => database.Activities().Count == 0);
        await engine.Client.RaiseEventAsync(id, "e", "for the next run", Test);
        await engine.Client.ResumeInstanceAsync(id, cancellation: Test);

        Assert.Equal("for the next run", (await engine.EndAsync(id)).ReadOutputAs<string>());
    }

    [Fact]
    public async Task One_wait_that_outlives_timers_gets_the_event_and_its_timers_end_with_the_run()
    {
        var clock = new FakeTimeProvider();
        await using var engine = new EngineHarness { Clock = clock };
        engine
            .Orchestrator("Patience", async context =>
            {
                var wait = context.WaitForExternalEvent<string>("e");
                using var ended = new CancellationTokenSource();
                var rounds = 0;
                while (await Task.WhenAny(wait, context.CreateTimer(TimeSpan.FromMinutes(1), ended.Token)) != wait)
                {
                    rounds++;
                }

#pragma warning disable CA1849
                ended.Cancel();
#pragma warning restore CA1849
                return $"{rounds} {await wait}";
            });
        await engine.StartAsync();
        var id = await engine.BeginAsync("Patience");
        foreach (var task in new[] { 0, 1 })
        {
            await engine.UntilAsync(database => database.Timers() is [{ } timer] && timer.Task == task);
            clock.Advance(TimeSpan.FromMinutes(1));
        }

        await engine.UntilAsync(database => database.Timers() is [{ Task: 2 }]);
        await engine.Client.RaiseEventAsync(id, "e", "at last", Test);

        Assert.Equal("2 at last", (await engine.EndAsync(id)).ReadOutputAs<string>());
        Assert.Equal(0, engine.Count("timers"));
    }

    [Fact]
    public async Task A_terminated_instance_has_its_output_and_hears_no_more()
    {
        var gate = new TaskCompletionSource();
        await using var engine = new EngineHarness();
        engine
            .Activity("Slow", async (_, cancellationToken) =>
            {
                await gate.Task.WaitAsync(cancellationToken);
                return "late";
            })
            .Orchestrator("Wait", async context =>
            {
                context.SetCustomStatus("waiting");
                return await context.CallActivityAsync<string>("Slow");
            });
        await engine.StartAsync();
        var id = await engine.BeginAsync("Wait");
        await engine.Client.WaitForInstanceStartAsync(id, Test);

        await engine.Client.TerminateInstanceAsync(id, "enough", Test);
        var done = await engine.EndAsync(id);
        gate.SetResult();
        await engine.UntilAsync(database => database.Activities().Count == 0);

        Assert.Equal(OrchestrationRuntimeStatus.Terminated, done.RuntimeStatus);
        Assert.Equal("enough", done.ReadOutputAs<string>());
        Assert.Equal("waiting", done.ReadCustomStatusAs<string>());
        Assert.Equal(0, engine.Count("inbox") + engine.Count("history"));
    }

    [Fact]
    public async Task A_suspended_instance_takes_no_step_until_it_is_resumed_even_over_a_restart()
    {
        await using var engine = new EngineHarness();
        engine
            .Orchestrator("Wait", async context => await context.WaitForExternalEvent<string>("go"));
        await engine.StartAsync();
        var id = await engine.BeginAsync("Wait");
        await engine.Client.WaitForInstanceStartAsync(id, Test);
        await engine.Client.SuspendInstanceAsync(id, "a pause", Test);
        await engine.UntilStatusAsync(id, OrchestrationRuntimeStatus.Suspended);
        await engine.Client.RaiseEventAsync(id, "go", "on", Test);
        await engine.StopAsync();
        await engine.StartAsync();

        Assert.Equal(OrchestrationRuntimeStatus.Suspended, (await engine.Client.GetInstanceAsync(id, Test))!.RuntimeStatus);
        Assert.Equal(1, engine.Count("inbox"));
        await engine.Client.ResumeInstanceAsync(id, cancellation: Test);
        Assert.Equal("on", (await engine.EndAsync(id)).ReadOutputAs<string>());
    }

    [Fact]
    public async Task A_suspended_instance_can_be_terminated()
    {
        await using var engine = new EngineHarness();
        engine
            .Orchestrator("Wait", async context => await context.WaitForExternalEvent<string>("go"));
        await engine.StartAsync();
        var id = await engine.BeginAsync("Wait");
        await engine.Client.SuspendInstanceAsync(id, cancellation: Test);
        await engine.UntilStatusAsync(id, OrchestrationRuntimeStatus.Suspended);
        await engine.Client.TerminateInstanceAsync(id, Test);

        Assert.Equal(OrchestrationRuntimeStatus.Terminated, (await engine.EndAsync(id)).RuntimeStatus);
    }
}
