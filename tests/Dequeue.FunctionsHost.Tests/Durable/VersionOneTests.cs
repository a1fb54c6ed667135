using System.Globalization;
using Dequeue.FunctionsHost.Durable;
using Microsoft.Data.Sqlite;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Dequeue.FunctionsHost.Tests.Durable;

/// <summary>Files of version 1, whose orchestrations ran in an engine with a replay of its own, go on in this one.</summary>
public sealed class VersionOneTests
{
    private const string Schema =
        """
        CREATE TABLE instances(
          id TEXT PRIMARY KEY, execution INTEGER NOT NULL, name TEXT NOT NULL, status INTEGER NOT NULL, created INTEGER NOT NULL,
          updated INTEGER NOT NULL, input TEXT, output TEXT, custom TEXT, failure TEXT) WITHOUT ROWID;
        CREATE INDEX instances_live ON instances(id) WHERE status IN (0, 6, 7);
        CREATE TABLE history(
          instance TEXT NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL, task INTEGER NOT NULL, name TEXT, payload TEXT,
          at INTEGER NOT NULL, PRIMARY KEY(instance, seq)) WITHOUT ROWID;
        CREATE TABLE inbox(
          row INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL, kind INTEGER NOT NULL, task INTEGER NOT NULL, name TEXT,
          payload TEXT, at INTEGER NOT NULL);
        CREATE INDEX inbox_instance ON inbox(instance);
        CREATE TABLE activities(
          instance TEXT NOT NULL, execution INTEGER NOT NULL, task INTEGER NOT NULL, name TEXT NOT NULL, input TEXT,
          PRIMARY KEY(instance, execution, task)) WITHOUT ROWID;
        CREATE TABLE timers(
          instance TEXT NOT NULL, task INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(instance, task)) WITHOUT ROWID;
        PRAGMA user_version = 1;
        """;

    private const string OldFailure =
        """
        {"ErrorType":"System.IO.InvalidDataException","ErrorMessage":"broken","StackTrace":"   at Somewhere()","InnerFailure":
        {"ErrorType":"System.IO.IOException","ErrorMessage":"inside","StackTrace":null,"InnerFailure":null,"Properties":null},
        "Properties":null}
        """;

    /// <summary>2026-01-01, in ticks.</summary>
    private static readonly long Then = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks;

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    private static void Write(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // a test's own constants
        command.CommandText = sql.Replace("{then}", Then.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    /// <summary>An instance that has taken its first step.</summary>
    private static string Begun(string id, string orchestrator, string more) =>
        $"""
        INSERT INTO instances VALUES('{id}', 7, '{orchestrator}', 0, {Then}, {Then}, '"in"', NULL, '"so far"', NULL);
        INSERT INTO history VALUES('{id}', 0, 1, 0, NULL, NULL, {Then});
        INSERT INTO history VALUES('{id}', 1, 2, 0, '{orchestrator}', '"in"', 0);
        {more.Replace("{id}", id, StringComparison.Ordinal)}
        """;

    [Fact]
    public async Task Instances_under_way_go_on()
    {
        await using var engine = new EngineHarness();
        engine
            .Activity("A", static input => $"A({input})")
            .Orchestrator<string>("Calls", static async context =>
            {
                var first = await context.CallActivityAsync<string>("A", context.GetInput<string>());
                return first + await context.CallActivityAsync<string>("A", "again");
            })
            .Orchestrator<string>("Catches", static async context =>
            {
                try
                {
                    return await context.CallActivityAsync<string>("A");
                }
                catch (TaskFailedException failed) when (failed.FailureDetails is { InnerFailure: { } inner } details)
                {
                    var later = await context.WaitForExternalEvent<string>("e");
                    return $"{details.ErrorMessage} {details.IsCausedBy<InvalidDataException>()} {inner.ErrorMessage} {later}";
                }
            })
            .Orchestrator<string>("Waits", static async context =>
            {
                context.SendEvent("other", "a/b", 1);
                await context.CreateTimer(context.CurrentUtcDateTime.AddSeconds(1), CancellationToken.None);
                var late = context.CurrentUtcDateTime > new DateTime(2026, 1, 1, 0, 0, 1, DateTimeKind.Utc);
                return $"{late} {await context.WaitForExternalEvent<string>("e")}";
            })
            .Orchestrator<string>("Begins", static context => Task.FromResult<object?>(context.GetInput<string>()));
        Write(engine.Path, Schema
            + Begun("result", "Calls", """
                INSERT INTO history VALUES('{id}', 2, 3, 0, 'A', NULL, 0);
                INSERT INTO inbox VALUES(1, '{id}', 4, 0, NULL, '"done"', 0);
                """)
            + Begun("call", "Calls", """
                INSERT INTO history VALUES('{id}', 2, 3, 0, 'A', NULL, 0);
                INSERT INTO activities VALUES('{id}', 7, 0, 'A', '"in"');
                """)
            + Begun("failure", "Catches", $$"""
                INSERT INTO history VALUES('{id}', 2, 3, 0, 'A', NULL, 0);
                INSERT INTO history VALUES('{id}', 3, 1, 0, NULL, NULL, {{Then}});
                INSERT INTO history VALUES('{id}', 4, 5, 0, NULL, '{{OldFailure}}', 0);
                INSERT INTO inbox VALUES(2, '{id}', 8, 0, 'E', '"later"', 0);
                """)
            + Begun("unseen failure", "Catches", $$"""
                INSERT INTO history VALUES('{id}', 2, 3, 0, 'A', NULL, 0);
                INSERT INTO inbox VALUES(3, '{id}', 5, 0, NULL, '{{OldFailure}}', 0);
                INSERT INTO inbox VALUES(4, '{id}', 8, 0, 'e', '"later"', 0);
                """)
            + Begun("timer", "Waits", """
                INSERT INTO history VALUES('{id}', 2, 9, 0, 'other/a/b', NULL, 0);
                INSERT INTO history VALUES('{id}', 3, 6, 1, NULL, NULL, {then} + 10000000);
                INSERT INTO timers VALUES('{id}', 1, {then} + 10000000);
                INSERT INTO inbox VALUES(5, '{id}', 8, 0, 'e', '"kept"', 0);
                """)
            + """
            INSERT INTO instances VALUES('new', 8, 'Begins', 6, {then}, {then}, '"in"', NULL, NULL, NULL);
            INSERT INTO inbox VALUES(6, 'new', 2, 0, 'Begins', '"in"', 0);
            """);

        await engine.StartAsync();

        var ids = new[] { "result", "call", "failure", "unseen failure", "timer", "new" };
        var outputs = new List<string>();
        foreach (var id in ids)
        {
            outputs.Add((await engine.EndAsync(id)).ReadOutputAs<string>()!);
        }

        Assert.Equal(["doneA(again)", "A(in)A(again)", "broken True inside later", "broken True inside later", "True kept", "in"], outputs);
        Assert.Equal(2L, engine.Engine.Store.Read(static database => database.Scalar("PRAGMA user_version")));
        Assert.Equal(0, engine.Count("history") + engine.Count("inbox") + engine.Count("activities") + engine.Count("timers"));
    }

    [Fact]
    public async Task An_instance_whose_history_the_official_replay_does_not_accept_fails_and_says_so()
    {
        await using var engine = new EngineHarness();
        engine
            .Activity("A", static _ => "a")
            .Orchestrator("Calls", static async context => await context.CallActivityAsync<string>("A"));
        Write(engine.Path, Schema
            + Begun("changed", "Calls", """
                INSERT INTO history VALUES('{id}', 2, 3, 0, 'Gone', NULL, 0);
                INSERT INTO inbox VALUES(1, '{id}', 4, 0, NULL, '"done"', 0);
                """));

        await engine.StartAsync();
        var done = await engine.EndAsync("changed");

        Assert.Equal(OrchestrationRuntimeStatus.Failed, done.RuntimeStatus);
        Assert.EndsWith("NonDeterministicOrchestrationException", done.FailureDetails!.ErrorType, StringComparison.Ordinal);
        Assert.Contains(
            "named 'Gone', but the current orchestration replay instead scheduled an activity task named 'A'",
            done.FailureDetails.ErrorMessage,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_has_ended_is_still_known()
    {
        await using var engine = new EngineHarness();
        Write(engine.Path, Schema + $$"""
            INSERT INTO instances VALUES('bad', 1, 'X', 3, {then}, {then}, '1', NULL, '"status"', '{{OldFailure}}');
            INSERT INTO instances VALUES('good', 2, 'X', 1, {then}, {then} + 10000000, '1', '"out"', NULL, NULL);
            """);

        await engine.StartAsync();
        var bad = (await engine.Client.GetInstanceAsync("bad", true, Test))!;
        var good = (await engine.Client.GetInstanceAsync("good", true, Test))!;

        Assert.Equal(
            ("System.IO.InvalidDataException", "broken", "   at Somewhere()"),
            (bad.FailureDetails!.ErrorType, bad.FailureDetails.ErrorMessage, bad.FailureDetails.StackTrace));
        Assert.Equal("inside", bad.FailureDetails.InnerFailure!.ErrorMessage);
        Assert.Equal(("status", "out"), (bad.ReadCustomStatusAs<string>(), good.ReadOutputAs<string>()));
        Assert.Equal(TimeSpan.FromSeconds(1), good.LastUpdatedAt - good.CreatedAt);
    }

    [Fact]
    public async Task A_file_of_a_later_version_is_refused_and_left_as_it_is()
    {
        await using var engine = new EngineHarness();
        Write(engine.Path, Schema + "PRAGMA user_version = 3;");

        var refused = Assert.Throws<InvalidOperationException>(() => new DurableStore(engine.Path));

        Assert.Equal("The durable store is of version 3, not 2: move its file away.", refused.Message);
        Assert.Equal(refused.Message, Assert.Throws<InvalidOperationException>(() => new DurableStore(engine.Path)).Message);
        using var again = new Database(engine.Path);
        Assert.Equal(3L, again.Scalar("PRAGMA user_version"));
        Assert.Equal(0L, again.Scalar("SELECT count(*) FROM pragma_table_info('instances') WHERE name = 'parent'"));
    }
}
