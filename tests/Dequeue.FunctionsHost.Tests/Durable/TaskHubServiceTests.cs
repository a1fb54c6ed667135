using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Protobuf;
using OrchestrationQuery = Microsoft.DurableTask.Client.OrchestrationQuery;

namespace Dequeue.FunctionsHost.Tests.Durable;

/// <summary>What clients may ask that no orchestration shows.</summary>
public sealed class TaskHubServiceTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    private static async Task<EngineHarness> StartAsync(EngineHarness engine)
    {
        engine
            .Orchestrator("Done", static _ => Task.FromResult<object?>(1))
            .Orchestrator<string>("Wait", static async context =>
                context.GetInput<string>() + await context.WaitForExternalEvent<string>("go"));
        await engine.StartAsync();
        return engine;
    }

    [Fact]
    public async Task A_start_may_refuse_ids_of_instances_that_have_ended()
    {
        await using var engine = await StartAsync(new EngineHarness());
        await engine.RunAsync("Done", id: "one");
        var once = new StartOrchestrationOptions("one").WithDedupeStatuses(
            OrchestrationRuntimeStatus.Completed, OrchestrationRuntimeStatus.Running);

        await Assert.ThrowsAsync<DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException>(
            () => engine.Client.ScheduleNewOrchestrationInstanceAsync("Done", null, once, Test));
        await engine.RunAsync("Done", id: "one");
    }

    [Fact]
    public async Task An_instance_that_has_not_ended_is_replaced_where_that_is_allowed()
    {
        await using var engine = await StartAsync(new EngineHarness { ReplacesLive = true });
        await engine.BeginAsync("Wait", "first ", "one");
        await engine.Client.WaitForInstanceStartAsync("one", Test);
        var ended = engine.EndAsync("one");
        await engine.BeginAsync("Wait", "second ", "one");
        await engine.Client.RaiseEventAsync("one", "go", "on", Test);

        Assert.Equal("second on", (await ended).ReadOutputAs<string>());
        Assert.Equal(0, engine.Count("inbox") + engine.Count("history"));
    }

    [Fact]
    public async Task A_step_of_an_instance_that_is_replaced_meanwhile_changes_nothing()
    {
        var (entered, gate) = (new TaskCompletionSource(), new ManualResetEventSlim());
        await using var engine = new EngineHarness { ReplacesLive = true };
        engine
            .Activity("Effect", static _ => throw new InvalidOperationException("of the first run"))
            .Orchestrator("First", static async context => await context.CallActivityAsync<string>("Effect"))
            .Orchestrator("Second", static context => Task.FromResult<object?>("second"));
        engine.BeforeWorker = name =>
        {
            if (name == "First")
            {
                entered.SetResult();
                gate.Wait(Test);
            }
        };
        await engine.StartAsync();
        var first = engine.BeginAsync("First", id: "one");
        await entered.Task.WaitAsync(Test);
        await first;
        await engine.BeginAsync("Second", id: "one");
        gate.Set();

        Assert.Equal("second", (await engine.EndAsync("one")).ReadOutputAs<string>());
        await engine.StopAsync();
        await engine.StartAsync();
        Assert.Equal(0, engine.Count("activities") + engine.Count("history"));
        gate.Dispose();
    }

    [Fact]
    public async Task Who_waits_for_an_instance_that_is_not_there_waits_until_it_is()
    {
        await using var engine = await StartAsync(new EngineHarness());
        var (started, ended) = (engine.Client.WaitForInstanceStartAsync("later", Test), engine.EndAsync("later"));
        await engine.RunAsync("Done", id: "another");
        Assert.False(started.IsCompleted || ended.IsCompleted);
        await engine.BeginAsync("Done", id: "later");

        Assert.Equal("later", (await started).InstanceId);
        Assert.Equal(1, (await ended).ReadOutputAs<int>());
    }

    [Fact]
    public async Task Who_waits_may_go_and_is_told_when_the_engine_stops()
    {
        await using var engine = await StartAsync(new EngineHarness());
        await engine.BeginAsync("Wait", id: "one");
        using var patience = new CancellationTokenSource();
        var gone = engine.Client.WaitForInstanceCompletionAsync("one", patience.Token);
        var stays = engine.Client.WaitForInstanceCompletionAsync("one", Test);
        await engine.Client.WaitForInstanceStartAsync("one", Test);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);

        await engine.Engine.StopAsync(Test);

        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => stays)).StatusCode);
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => engine.BeginAsync("Done"))).StatusCode);
    }

    [Fact]
    public async Task Events_for_nobody_are_lost_without_a_word_where_that_is_wanted()
    {
        await using var engine = await StartAsync(new EngineHarness { RefusesLostEvents = false });
        await engine.RunAsync("Done", id: "one");
        await engine.Client.RaiseEventAsync("one", "late", "x", Test);
        await engine.Client.RaiseEventAsync("nobody", "late", "x", Test);
        Assert.Equal(0, engine.Count("inbox"));
    }

    [Fact]
    public async Task Ended_instances_are_purged_by_time_and_status()
    {
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        await using var engine = await StartAsync(new EngineHarness { Clock = clock });
        await engine.RunAsync("Done", id: "old");
        await engine.BeginAsync("Wait", id: "waits");
        clock.Advance(TimeSpan.FromHours(1));
        await engine.RunAsync("Done", id: "new");
        await engine.BeginAsync("Wait", id: "terminated");
        await engine.Client.TerminateInstanceAsync("terminated", Test);
        await engine.EndAsync("terminated");
        var (begun, now) = (clock.GetUtcNow().AddHours(-1), clock.GetUtcNow());

        Assert.Equal(0, (await PurgeAsync(begun, now, OrchestrationRuntimeStatus.Failed)).PurgedInstanceCount);
        Assert.Equal(1, (await PurgeAsync(begun, now, OrchestrationRuntimeStatus.Terminated)).PurgedInstanceCount);
        Assert.Equal(1, (await PurgeAsync(begun, now.AddMinutes(-1))).PurgedInstanceCount);
        var left = engine.Client.GetAllInstancesAsync(new OrchestrationQuery()).Select(static found => found.InstanceId);
        Assert.Equal(["new", "waits"], await left.ToListAsync(Test));
        var batch = new PurgeInstancesRequest { InstanceBatch = new InstanceBatch { InstanceIds = { "new", "waits", "nobody" } } };
        Assert.Equal(1, (await engine.Service.PurgeInstancesAsync(batch, cancellationToken: Test)).DeletedInstanceCount);
        await RefusedAsync(
            StatusCode.InvalidArgument,
            "What to purge is not said.",
            engine.Service.PurgeInstancesAsync(new(), cancellationToken: Test));

        Task<PurgeResult> PurgeAsync(DateTimeOffset from, DateTimeOffset to, params OrchestrationRuntimeStatus[] statuses) =>
            engine.Client.PurgeAllInstancesAsync(new PurgeInstancesFilter(from, to, statuses), Test);
    }

    [Fact]
    public async Task A_version_and_an_id_of_its_own_come_through()
    {
        await using var engine = new EngineHarness();
        engine.Orchestrator("Version", static context => Task.FromResult<object?>(context.Version));
        await engine.StartAsync();
        var request = new CreateInstanceRequest { Name = "Version", Version = "1.5" };
        var id = (await engine.Service.StartInstanceAsync(request, cancellationToken: Test)).InstanceId;

        Assert.Equal(32, id.Length);
        Assert.Equal("1.5", (await engine.EndAsync(id)).ReadOutputAs<string>());
    }

    [Fact]
    public async Task An_orchestrator_that_asks_for_an_entity_fails_and_says_why()
    {
        await using var engine = new EngineHarness();
        engine.Orchestrator("Signal", static async context =>
        {
            context.SendEvent("@counter@one", "op", 1);
            return await context.WaitForExternalEvent<string>("never");
        });
        await engine.StartAsync();

        Assert.Equal(
            "This host does not run durable entities: orchestrator 'Signal' asked for '@counter@one'.",
            (await engine.RunAsync("Signal")).FailureDetails!.ErrorMessage);
    }

    [Fact]
    public async Task Events_to_ids_that_cannot_be_go_nowhere()
    {
        await using var engine = new EngineHarness();
        engine.Orchestrator("Send", static async context =>
        {
            context.SendEvent("a/b", "x/y", 1);
            return await context.WaitForExternalEvent<string>("go");
        });
        await engine.StartAsync();
        var id = await engine.BeginAsync("Send");
        await engine.Client.WaitForInstanceStartAsync(id, Test);
        await engine.Client.RaiseEventAsync(id, "go", "on", Test);

        Assert.Equal("on", (await engine.EndAsync(id)).ReadOutputAs<string>());
    }

    [Fact]
    public async Task What_this_host_does_not_do_is_refused_with_a_sentence()
    {
        await using var engine = await StartAsync(new EngineHarness());
        var service = engine.Service;
        await service.HelloAsync(new Empty(), cancellationToken: Test);

        await DoesNotAsync("creates its task hub by itself", service.CreateTaskHubAsync(new(), cancellationToken: Test));
        await DoesNotAsync("does not delete its task hub: remove its file", service.DeleteTaskHubAsync(new(), cancellationToken: Test));
        await DoesNotAsync("does not rewind orchestrations", service.RewindInstanceAsync(new(), cancellationToken: Test));
        await DoesNotAsync(
            "does not restart orchestrations: start one with the same input",
            service.RestartInstanceAsync(new(), cancellationToken: Test));
        await DoesNotAsync("does not list ids alone: query instances", service.ListInstanceIdsAsync(new(), cancellationToken: Test));
        await DoesNotAsync("does not run durable entities", service.SignalEntityAsync(new(), cancellationToken: Test));
        await DoesNotAsync("does not run durable entities", service.GetEntityAsync(new(), cancellationToken: Test));
        await DoesNotAsync("does not run durable entities", service.QueryEntitiesAsync(new(), cancellationToken: Test));
        await DoesNotAsync("does not run durable entities", service.CleanEntityStorageAsync(new(), cancellationToken: Test));
        using var history = service.StreamInstanceHistory(new(), cancellationToken: Test);
        var refused = await Assert.ThrowsAsync<RpcException>(() => history.ResponseStream.MoveNext(Test));
        Assert.Equal(StatusCode.Unimplemented, refused.StatusCode);
        using var work = service.GetWorkItems(new(), cancellationToken: Test);
        refused = await Assert.ThrowsAsync<RpcException>(() => work.ResponseStream.MoveNext(Test));
        Assert.Equal(StatusCode.Unimplemented, refused.StatusCode);
    }

    private static Task DoesNotAsync<T>(string what, AsyncUnaryCall<T> call) =>
        RefusedAsync(StatusCode.Unimplemented, $"This host {what}.", call);

    private static async Task RefusedAsync<T>(StatusCode code, string sentence, AsyncUnaryCall<T> call)
    {
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.Equal((code, sentence), (refused.StatusCode, refused.Status.Detail));
    }
}
