using Dequeue.Local.Durable;
using Dequeue.Local.Durable.Engine;

namespace Dequeue.Local.Tests.Durable;

public sealed class DeterminismTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    /// <summary>Runs code that does one thing when it is first run, and another when it is replayed.</summary>
    private static async Task<OrchestrationMetadata> ChangeAsync(
        Func<TaskOrchestrationContext, Task<object?>> first, Func<TaskOrchestrationContext, Task<object?>> then)
    {
        await using var engine = await new EngineHarness()
            .Activity("A", _ => "a")
            .Activity("B", _ => "b")
            .Orchestrator("Changing", context => context.IsReplaying ? then(context) : first(context))
            .StartAsync();
        return await engine.RunAsync("Changing");
    }

    [Fact]
    public async Task Another_activity_is_named()
    {
        var done = await ChangeAsync(async context => await context.CallActivityAsync<string>("A"), async context => await context.CallActivityAsync<string>("B"));

        Assert.Equal(OrchestrationRuntimeStatus.Failed, done.RuntimeStatus);
        Assert.Equal(
            "Non-deterministic orchestrator 'Changing': history says activity 'A' (#0) at step 1, the code asked for activity 'B' (#0).",
            done.FailureDetails!.ErrorMessage);
        Assert.EndsWith("NonDeterministicOrchestrationException", done.FailureDetails.ErrorType, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_timer_in_place_of_an_activity_is_named()
    {
        var done = await ChangeAsync(
            async context => await context.CallActivityAsync<string>("A"),
            async context =>
            {
                await context.CreateTimer(TimeSpan.FromDays(1), CancellationToken.None);
                return null;
            });
        Assert.Matches(
            @"history says activity 'A' \(#0\) at step 1, the code asked for a timer for .*Z \(#0\)\.$", done.FailureDetails!.ErrorMessage);
    }

    [Fact]
    public async Task Asking_for_less_is_named()
    {
        var done = await ChangeAsync(
            async context => await context.CallActivityAsync<string>("A"),
            async context => await context.WaitForExternalEvent<string>("e"));
        Assert.EndsWith("history says activity 'A' (#0) at step 1, the code asked for nothing.", done.FailureDetails!.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Asking_for_more_is_named()
    {
        var done = await ChangeAsync(
            async context => await context.CallActivityAsync<string>("A"),
            async context => await Task.WhenAll(context.CallActivityAsync<string>("A"), context.CallActivityAsync<string>("B")));
        Assert.EndsWith("history says nothing more at step 1, the code asked for activity 'B' (#1).", done.FailureDetails!.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ending_too_early_is_named()
    {
        await using var engine = await new EngineHarness()
            .Orchestrator("Changing", async context => context.IsReplaying ? "done" : await context.WaitForExternalEvent<string>("e"))
            .StartAsync();
        var id = await engine.BeginAsync("Changing");
        await engine.Client.WaitForInstanceStartAsync(id, Test);
        await engine.Client.RaiseEventAsync(id, "e", "x", Test);
        Assert.EndsWith("history says more at step 1, the code asked for nothing more: it has ended.", (await engine.EndAsync(id)).FailureDetails!.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_code_throws_that_nobody_awaits_fails_the_instance()
    {
        await using var engine = await new EngineHarness()
            .Activity("A", _ => "a")
            .Orchestrator("Loose", async context =>
            {
                Throw();
                return await context.CallActivityAsync<string>("A");

                async void Throw()
                {
                    await context.CallActivityAsync<string>("A");
                    throw new InvalidTimeZoneException("loose");
                }
            })
            .StartAsync();

        Assert.Equal("loose", (await engine.RunAsync("Loose")).FailureDetails!.ErrorMessage);
    }

    public static TheoryData<string> Foreign => ["delay", "configured", "configured and done", "run", "late", "synchronous pool"];

    [Theory]
    [MemberData(nameof(Foreign))]
    public async Task A_task_that_is_not_durable_is_named(string kind)
    {
        var gate = new TaskCompletionSource();
        await using var engine = await new EngineHarness()
            .Activity("A", _ => "a")
            .Activity("Never", async (_, cancellationToken) =>
            {
                await gate.Task.WaitAsync(cancellationToken);
                return null;
            })
            .Orchestrator("Foreign", async context =>
            {
                switch (kind)
                {
                    case "delay":
                        await Task.Delay(1, CancellationToken.None);
                        return await context.CallActivityAsync<string>("A");
                    case "configured":
                        await context.CallActivityAsync<string>("A").ConfigureAwait(false);
                        return await context.CallActivityAsync<string>("A");
                    case "configured and done":
                        return await context.CallActivityAsync<string>("A").ConfigureAwait(false);
                    case "run":
                        return await Task.Run(() => context.CallActivityAsync<string>("A"));
                    case "late":
                        await Task.WhenAny(context.CallActivityAsync<string>("Never"), Task.Delay(1, CancellationToken.None));
                        return "never";
                    default:
                        return await Task.Factory.StartNew(() => context.NewGuid(), CancellationToken.None, TaskCreationOptions.None, TaskScheduler.Default);
                }
            })
            .StartAsync();

        var done = await engine.RunAsync("Foreign");
        gate.SetResult();

        Assert.Equal(OrchestrationRuntimeStatus.Failed, done.RuntimeStatus);
        Assert.Equal(
            "Orchestrator 'Foreign' left its thread: it awaited a task that does not come from its TaskOrchestrationContext, or used ConfigureAwait(false).",
            done.FailureDetails!.ErrorMessage);
    }
}
