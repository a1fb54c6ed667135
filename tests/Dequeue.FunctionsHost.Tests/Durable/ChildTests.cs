using Dequeue.FunctionsHost.Durable;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Dequeue.FunctionsHost.Tests.Durable;

/// <summary>Orchestrations that call others, beyond what <see cref="BothEnginesTests"/> says of them.</summary>
public sealed class ChildTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    private static async Task<EngineHarness> StartAsync()
    {
        var engine = new EngineHarness();
        engine
            .Orchestrator<int>("Child", static async context =>
            {
                if (context.GetInput<int>() is var left and > 0)
                {
                    context.ContinueAsNew(left - 1);
                    return null;
                }

                return await context.WaitForExternalEvent<string>("go");
            })
            .Orchestrator("Parent", static async context =>
            {
                try
                {
                    return await context.CallSubOrchestratorAsync<string>("Child", 2, new SubOrchestrationOptions(instanceId: "child"));
                }
                catch (TaskFailedException exception)
                {
                    return $"{exception.TaskName}: {exception.FailureDetails.ErrorMessage}";
                }
            })
            .Orchestrator("Lost", static async context => await context.CallSubOrchestratorAsync<string>("Unknown"));
        await engine.StartAsync();
        return engine;
    }

    [Fact]
    public async Task A_child_may_start_over_and_outlive_a_restart()
    {
        await using var engine = await StartAsync();
        var parent = await engine.BeginAsync("Parent");
        await engine.UntilAsync(static database => database.Instance("child", true)?.Input == "0");
        await engine.StopAsync();
        await engine.StartAsync();
        await engine.Client.RaiseEventAsync("child", "go", "grown up", Test);

        Assert.Equal("grown up", (await engine.EndAsync(parent)).ReadOutputAs<string>());
        Assert.Equal("grown up", (await engine.EndAsync("child")).ReadOutputAs<string>());
    }

    [Fact]
    public async Task The_parent_hears_of_a_child_that_is_terminated()
    {
        await using var engine = await StartAsync();
        var parent = await engine.BeginAsync("Parent");
        await engine.UntilAsync(static database => database.Instance("child", true)?.Input == "0");
        await engine.Client.TerminateInstanceAsync("child", Test);

        Assert.Equal("Child: Orchestration 'child' was terminated.", (await engine.EndAsync(parent)).ReadOutputAs<string>());
    }

    [Fact]
    public async Task A_child_whose_id_is_taken_fails_for_its_parent_and_leaves_the_other_alone()
    {
        await using var engine = await StartAsync();
        await engine.BeginAsync("Child", 0, "child");
        var parent = await engine.RunAsync("Parent");
        await engine.Client.RaiseEventAsync("child", "go", "its own", Test);

        Assert.Equal("Child: An orchestration instance with the ID child already exists.", parent.ReadOutputAs<string>());
        Assert.Equal("its own", (await engine.EndAsync("child")).ReadOutputAs<string>());
    }

    [Fact]
    public async Task A_child_goes_on_when_its_parent_was_terminated_and_nobody_is_told()
    {
        await using var engine = await StartAsync();
        var parent = await engine.BeginAsync("Parent");
        await engine.UntilAsync(static database => database.Instance("child", true)?.Input == "0");
        await engine.Client.TerminateInstanceAsync(parent, Test);
        await engine.EndAsync(parent);
        await engine.Client.RaiseEventAsync("child", "go", "alone", Test);

        Assert.Equal("alone", (await engine.EndAsync("child")).ReadOutputAs<string>());
        Assert.Equal(OrchestrationRuntimeStatus.Terminated, (await engine.EndAsync(parent)).RuntimeStatus);
        Assert.Equal(0, engine.Count("inbox"));
    }

    [Fact]
    public async Task A_child_of_an_unknown_orchestrator_fails()
    {
        await using var engine = await StartAsync();
        Assert.EndsWith(
            "There is no orchestrator function 'Unknown'.",
            (await engine.RunAsync("Lost")).FailureDetails!.ErrorMessage,
            StringComparison.Ordinal);
    }
}
