using System.Text.Json;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Dequeue.FunctionsHost.Tests.Durable;

/// <summary>One set of orchestrations on this engine and on the official one: what comes out must be the same.</summary>
public sealed class BothEnginesTests
{
    public static TheoryData<bool> Engines => [true, false];

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    private static DurableApp App(bool official) => official ? new OfficialApp() : new EngineHarness();

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Activities_in_turn_and_side_by_side(bool official)
    {
        await using var app = App(official)
            .Activity("Twice", static input => int.Parse(input!, null) * 2)
            .Orchestrator<int>("Double", static async context =>
            {
                var value = await context.CallActivityAsync<int>("Twice", context.GetInput<int>());
                var all = await Task.WhenAll(Enumerable.Range(0, 5).Select(i => context.CallActivityAsync<int>("Twice", value + i)));
                context.SetCustomStatus(new { all });
                return all.Sum();
            });
        await app.StartAsync();

        var done = await app.RunAsync("Double", 5);

        Assert.Equal(OrchestrationRuntimeStatus.Completed, done.RuntimeStatus);
        Assert.Equal(
            ("5", "120", """{"all":[20,22,24,26,28]}"""),
            (done.SerializedInput, done.SerializedOutput, done.SerializedCustomStatus));
        Assert.Null(done.FailureDetails);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Values_of_every_shape_come_through(bool official)
    {
        object?[] values =
        [
            null, "text \"with\" quotes ü", 1.5, true, new[] { 1, 2 }, Array.Empty<string>(), new { a = new[] { "[", "]" } }, "[1]",
        ];
        await using var app = App(official)
            .Activity("Echo", static input => input)
            .Orchestrator<JsonElement?>("Echo", static async context =>
                await context.CallActivityAsync<string?>("Echo", context.GetInput<JsonElement?>()));
        await app.StartAsync();

        var echoed = new List<string?>();
        foreach (var value in values)
        {
            echoed.Add((await app.RunAsync("Echo", value)).ReadOutputAs<string>());
        }

        Assert.Equal([null, "text \"with\" quotes ü", "1.5", "True", "[1,2]", "[]", """{"a":["[","]"]}""", "[1]"], echoed);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_failed_activity_is_caught_with_its_type_message_and_cause(bool official)
    {
        await using var app = App(official)
            .Activity("Bad", static _ => throw new InvalidDataException("broken", new IOException("inside")))
            .Orchestrator("Catch", static async context =>
            {
                try
                {
                    return await context.CallActivityAsync<string>("Bad");
                }
                catch (TaskFailedException exception)
                {
                    var (details, inner) = (exception.FailureDetails, exception.FailureDetails.InnerFailure);
                    return $"{exception.TaskName} {exception.TaskId} {details.ErrorType} {details.ErrorMessage} {inner?.ErrorType} "
                        + $"{inner?.ErrorMessage} {details.IsCausedBy<SystemException>()} {details.IsCausedBy<IOException>()}";
                }
            });
        await app.StartAsync();

        Assert.Equal(
            "Bad 0 System.IO.InvalidDataException broken System.IO.IOException inside True False",
            (await app.RunAsync("Catch")).ReadOutputAs<string>());
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_failure_that_nobody_catches_is_that_of_the_instance(bool official)
    {
        await using var app = App(official)
            .Activity("Bad", static _ => throw new InvalidDataException("broken"))
            .Orchestrator("Let", static async context => await context.CallActivityAsync<string>("Bad"))
            .Orchestrator("Throw", static context => throw new InvalidTimeZoneException("of its own"));
        await app.StartAsync();

        var let = await app.RunAsync("Let");
        var own = await app.RunAsync("Throw");

        Assert.Equal((OrchestrationRuntimeStatus.Failed, OrchestrationRuntimeStatus.Failed), (let.RuntimeStatus, own.RuntimeStatus));
        Assert.Equal("Microsoft.DurableTask.TaskFailedException", let.FailureDetails!.ErrorType);
        Assert.Equal("Task 'Bad' (#0) failed with an unhandled exception: broken", let.FailureDetails.ErrorMessage);
        Assert.Equal("System.IO.InvalidDataException: broken", let.FailureDetails.InnerFailure!.ToString());
        Assert.Equal(("System.InvalidTimeZoneException", "of its own"), (own.FailureDetails!.ErrorType, own.FailureDetails.ErrorMessage));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Retries_end_with_success_or_the_last_failure(bool official)
    {
        var (good, bad) = (0, 0);
        var options = TaskOptions.FromRetryPolicy(new RetryPolicy(3, TimeSpan.FromMilliseconds(20), backoffCoefficient: 2));
        await using var app = App(official)
            .Activity("Good", _ => ++good < 3 ? throw new IOException($"no {good}") : "yes")
            .Activity("Bad", _ => throw new IOException($"no {++bad}"))
            .Orchestrator("Good", async context => await context.CallActivityAsync<string>("Good", options: options))
            .Orchestrator("Bad", async context => await context.CallActivityAsync<string>("Bad", options: options));
        await app.StartAsync();

        Assert.Equal("yes", (await app.RunAsync("Good")).ReadOutputAs<string>());
        var failed = await app.RunAsync("Bad");
        Assert.EndsWith("no 3", failed.FailureDetails!.ErrorMessage, StringComparison.Ordinal);
        Assert.Equal((3, 3), (good, bad));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Events_are_taken_in_the_order_they_came_by_the_last_who_waits(bool official)
    {
        await using var app = App(official)
            .Orchestrator("Listen", static async context =>
            {
                await context.WaitForExternalEvent<string>("ready");
                var kept = $"{await context.WaitForExternalEvent<int>("n")}{await context.WaitForExternalEvent<int>("N")}";
                var first = context.WaitForExternalEvent<string>("e");
                var second = context.WaitForExternalEvent<string>("e");
                context.SetCustomStatus("waits");
                return $"{kept} {await second} {await first}";
            });
        await app.StartAsync();
        var id = await app.BeginAsync("Listen");
        await app.Client.RaiseEventAsync(id, "N", 1, Test);
        await app.Client.RaiseEventAsync(id, "n", 2, Test);
        await app.Client.RaiseEventAsync(id, "ready", "r", Test);
        await Eventually.TrueAsync(async () => (await app.Client.GetInstanceAsync(id, true, Test))!.SerializedCustomStatus == "\"waits\"");
        await app.Client.RaiseEventAsync(id, "e", "a", Test);
        await app.Client.RaiseEventAsync(id, "e", "b", Test);

        Assert.Equal("12 a b", (await app.EndAsync(id)).ReadOutputAs<string>());
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_wait_ends_with_the_event_or_when_its_time_is_over(bool official)
    {
        await using var app = App(official)
            .Orchestrator("Patience", static async context =>
            {
                var first = await context.WaitForExternalEvent<string>("e", TimeSpan.FromHours(1));
                try
                {
                    return await context.WaitForExternalEvent<string>("e", TimeSpan.FromMilliseconds(30));
                }
                catch (TaskCanceledException)
                {
                    return first + " then none";
                }
            });
        await app.StartAsync();
        var id = await app.BeginAsync("Patience");
        await app.Client.RaiseEventAsync(id, "e", "one", Test);

        Assert.Equal("one then none", (await app.EndAsync(id)).ReadOutputAs<string>());
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task An_orchestration_ends_only_when_all_that_it_began_has(bool official)
    {
        var gate = new TaskCompletionSource();
        await using var app = App(official)
            .Activity("Slow", async (_, _) =>
            {
                await gate.Task;
                return "slow";
            })
            .Activity("Fast", static _ => "fast")
            .Orchestrator("Race", static async context =>
            {
                var slow = context.CallActivityAsync<string>("Slow");
                var first = await await Task.WhenAny(slow, context.CallActivityAsync<string>("Fast"));
                context.SetCustomStatus("raced");
                return first;
            });
        await app.StartAsync();
        var id = await app.BeginAsync("Race");
        await Eventually.TrueAsync(async () => (await app.Client.GetInstanceAsync(id, true, Test))!.SerializedCustomStatus == "\"raced\"");
        var raced = await app.Client.GetInstanceAsync(id, true, Test);
        gate.SetResult();

        Assert.Equal(OrchestrationRuntimeStatus.Running, raced!.RuntimeStatus);
        Assert.Equal("fast", (await app.EndAsync(id)).ReadOutputAs<string>());
    }

    /// <summary>Events that nobody took are not among it: the official engine in memory loses them, other than the one in Azure.</summary>
    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Starting_over_begins_with_the_new_input(bool official)
    {
        await using var app = App(official)
            .Activity("Echo", static input => input)
            .Orchestrator<List<int>>("Collect", static async context =>
            {
                var taken = context.GetInput<List<int>>()!;
                await context.CallActivityAsync("Echo", "x");
                context.SetCustomStatus(taken.Count);
                taken.Add(await context.WaitForExternalEvent<int>("add"));
                if (taken.Count == 4)
                {
                    return string.Join(',', taken);
                }

                context.ContinueAsNew(taken);
                return null;
            });
        await app.StartAsync();
        var id = await app.BeginAsync("Collect", new List<int>());
        for (var i = 0; i < 4; i++)
        {
            await Eventually.TrueAsync(async () => (await app.Client.GetInstanceAsync(id, true, Test))!.SerializedCustomStatus == $"{i}");
            await app.Client.RaiseEventAsync(id, "add", i, Test);
        }

        var done = await app.EndAsync(id);

        Assert.Equal(OrchestrationRuntimeStatus.Completed, done.RuntimeStatus);
        Assert.Equal("0,1,2,3", done.ReadOutputAs<string>());
        Assert.Equal([0, 1, 2], done.ReadInputAs<List<int>>()!);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Code_that_changes_under_a_running_instance_fails_it(bool official)
    {
        await using var app = App(official)
            .Activity("A", static _ => "a")
            .Activity("B", static _ => "b")
            .Orchestrator("Changing", static async context => await context.CallActivityAsync<string>(context.IsReplaying ? "B" : "A"));
        await app.StartAsync();

        var done = await app.RunAsync("Changing");

        Assert.Equal(OrchestrationRuntimeStatus.Failed, done.RuntimeStatus);
        Assert.Equal("DurableTask.Core.Exceptions.NonDeterministicOrchestrationException", done.FailureDetails!.ErrorType);
        Assert.Contains(
            "sequence number 0 named 'A', but the current orchestration replay instead scheduled an activity task named 'B'",
            done.FailureDetails.ErrorMessage,
            StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_terminated_instance_has_its_output_and_its_last_status(bool official)
    {
        await using var app = App(official)
            .Orchestrator("Wait", static async context =>
            {
                context.SetCustomStatus("waiting");
                return await context.WaitForExternalEvent<string>("never");
            });
        await app.StartAsync();
        var id = await app.BeginAsync("Wait");
        await app.Client.WaitForInstanceStartAsync(id, Test);
        await app.Client.TerminateInstanceAsync(id, "enough", Test);

        var done = await app.EndAsync(id);

        Assert.Equal(OrchestrationRuntimeStatus.Terminated, done.RuntimeStatus);
        Assert.Equal(("enough", "waiting"), (done.ReadOutputAs<string>(), done.ReadCustomStatusAs<string>()));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_suspended_instance_goes_on_where_it_was(bool official)
    {
        await using var app = App(official)
            .Orchestrator("Wait", static async context =>
                await context.WaitForExternalEvent<string>("go") + await context.WaitForExternalEvent<string>("go"));
        await app.StartAsync();
        var id = await app.BeginAsync("Wait");
        await app.Client.WaitForInstanceStartAsync(id, Test);
        await app.Client.SuspendInstanceAsync(id, "a pause", Test);
        await UntilAsync(OrchestrationRuntimeStatus.Suspended);
        await app.Client.RaiseEventAsync(id, "go", "a", Test);
        await app.Client.RaiseEventAsync(id, "go", "b", Test);
        await app.Client.ResumeInstanceAsync(id, null, Test);

        Assert.Equal("ab", (await app.EndAsync(id)).ReadOutputAs<string>());

        Task UntilAsync(OrchestrationRuntimeStatus status) =>
            Eventually.TrueAsync(async () => (await app.Client.GetInstanceAsync(id, Test))!.RuntimeStatus == status);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task An_orchestration_calls_others_and_hears_of_their_ends(bool official)
    {
        await using var app = App(official)
            .Activity("Twice", static input => int.Parse(input!, null) * 2)
            .Orchestrator<int>("Child", static async context => context.GetInput<int>() == 13
                ? throw new InvalidDataException("unlucky")
                : new { Sum = await context.CallActivityAsync<int>("Twice", context.GetInput<int>()), Parent = context.Parent!.Name.Name })
            .Orchestrator("Parent", static async context =>
            {
                var all = await Task.WhenAll(Enumerable.Range(1, 3).Select(i => context.CallSubOrchestratorAsync<JsonElement>("Child", i)));
                try
                {
                    return await context.CallSubOrchestratorAsync<string>("Child", 13);
                }
                catch (TaskFailedException exception)
                {
                    var details = exception.FailureDetails;
                    return $"{string.Join(' ', all)} {exception.TaskName} {exception.TaskId} {details.ErrorType} {details.ErrorMessage}";
                }
            });
        await app.StartAsync();

        Assert.Equal(
            """{"sum":2,"parent":"Parent"} {"sum":4,"parent":"Parent"} {"sum":6,"parent":"Parent"} """
                + "Child 3 System.IO.InvalidDataException unlucky",
            (await app.RunAsync("Parent")).ReadOutputAs<string>(),
            ignoreCase: true);
    }
}
