using Dequeue.FunctionsHost.Durable;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Dequeue.FunctionsHost.Tests.Durable;

public sealed class WorkerLossTests
{
    [Fact]
    public async Task A_step_and_a_call_whose_worker_is_lost_are_run_again()
    {
        var calls = new Dictionary<string, int>();
        var activities = 0;
        await using var engine = new EngineHarness();
        engine
            .Activity("Work", _ => ++activities)
            .Orchestrator("Plan", static async context => await context.CallActivityAsync<int>("Work"));
        engine.BeforeWorker = name =>
        {
            lock (calls)
            {
                // The worker is gone each first and second time.
                calls[name] = calls.GetValueOrDefault(name) + 1;
                if (calls[name] <= 2)
                {
                    throw new WorkerLostException("The worker has ended.");
                }
            }
        };
        await engine.StartAsync();

        var done = await engine.RunAsync("Plan");

        Assert.Equal((OrchestrationRuntimeStatus.Completed, 1), (done.RuntimeStatus, done.ReadOutputAs<int>()));
        Assert.Equal((4, 3), (calls["Plan"], calls["Work"]));
    }

    [Fact]
    public async Task While_the_worker_is_lost_the_engine_stops_and_what_was_under_way_goes_on_at_the_next_start()
    {
        var lost = new TaskCompletionSource();
        var gone = true;
        await using var engine = new EngineHarness();
        engine
            .Activity("Work", static _ => "done")
            .Orchestrator("Plan", static async context => await context.CallActivityAsync<string>("Work"));
        engine.BeforeWorker = name =>
        {
            if (name == "Work" && gone)
            {
                lost.TrySetResult();
                throw new WorkerLostException("The worker has ended.");
            }
        };
        await engine.StartAsync();
        var id = await engine.BeginAsync("Plan");
        await lost.Task.WaitAsync(TestContext.Current.CancellationToken);

        await engine.StopAsync();
        gone = false;
        await engine.StartAsync();

        Assert.Equal("done", (await engine.EndAsync(id)).ReadOutputAs<string>());
    }

    [Fact]
    public async Task An_orchestrator_that_gives_no_answer_fails_for_the_reason_given()
    {
        await using var engine = new EngineHarness();
        engine.Orchestrator("Broken", static _ => Task.FromResult<object?>(1));
        engine.BeforeWorker = static _ => throw new InvalidTimeZoneException("no answer");
        await engine.StartAsync();

        var done = await engine.RunAsync("Broken");

        Assert.Equal(
            (OrchestrationRuntimeStatus.Failed, "System.InvalidTimeZoneException", "no answer"),
            (done.RuntimeStatus, done.FailureDetails!.ErrorType, done.FailureDetails.ErrorMessage));
    }

    [Fact]
    public async Task An_orchestrator_that_the_app_no_longer_has_fails_its_instances()
    {
        await using var engine = new EngineHarness();
        engine.Orchestrator("Old", static async context => await context.WaitForExternalEvent<string>("go"));
        await engine.StartAsync();
        var id = await engine.BeginAsync("Old");
        await engine.Client.WaitForInstanceStartAsync(id, TestContext.Current.CancellationToken);
        await engine.StopAsync();
        engine.Remove("Old");
        await engine.StartAsync();
        await engine.Client.RaiseEventAsync(id, "go", "x", TestContext.Current.CancellationToken);

        Assert.Equal("There is no orchestrator function 'Old'.", (await engine.EndAsync(id)).FailureDetails!.ErrorMessage);
    }
}
