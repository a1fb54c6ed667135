using System.Text.Json;
using Microsoft.DurableTask.Protobuf;

namespace Dequeue.FunctionsHost.Durable;

/// <summary>
/// The tables. Times are UTC ticks. Activities, timers and messages (inbox) are what still has to happen; history is what
/// has; an instance that has ended keeps neither.
/// </summary>
internal static class Schema
{
    /// <summary>Goes up with each change of the tables or of what is in them.</summary>
    private const long Version = 2;

    /// <summary>Creates the tables, or brings those of an earlier version up to this one; instances under way go on.</summary>
    /// <exception cref="InvalidOperationException">The file is of a later version.</exception>
    public static void Create(Database database)
    {
        var version = (long)database.Scalar("PRAGMA user_version")!;
        if (version == Version)
        {
            return;
        }

        database.Execute("BEGIN IMMEDIATE");
        switch (version)
        {
            case 0:
                CreateTables(database);
                AddParents(database);
                break;
            case 1:
                AddParents(database);
                RewriteFailures(database);
                break;
            default:
                throw new InvalidOperationException($"The durable store is of version {version}, not {Version}: move its file away.");
        }

        database.Execute($"PRAGMA user_version = {Version}");
        database.Execute("COMMIT");
    }

    private static void CreateTables(Database database)
    {
        database.Execute(
            """
            CREATE TABLE instances(
              id TEXT PRIMARY KEY, execution INTEGER NOT NULL, name TEXT NOT NULL, status INTEGER NOT NULL, created INTEGER NOT NULL,
              updated INTEGER NOT NULL, input TEXT, output TEXT, custom TEXT, failure TEXT) WITHOUT ROWID
            """);
        database.Execute("CREATE INDEX instances_live ON instances(id) WHERE status IN (0, 6, 7)");
        database.Execute(
            """
            CREATE TABLE history(
              instance TEXT NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL, task INTEGER NOT NULL, name TEXT, payload TEXT,
              at INTEGER NOT NULL, PRIMARY KEY(instance, seq)) WITHOUT ROWID
            """);
        database.Execute(
            """
            CREATE TABLE inbox(
              row INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL, kind INTEGER NOT NULL, task INTEGER NOT NULL, name TEXT,
              payload TEXT, at INTEGER NOT NULL)
            """);
        database.Execute("CREATE INDEX inbox_instance ON inbox(instance)");
        database.Execute(
            """
            CREATE TABLE activities(
              instance TEXT NOT NULL, execution INTEGER NOT NULL, task INTEGER NOT NULL, name TEXT NOT NULL, input TEXT,
              PRIMARY KEY(instance, execution, task)) WITHOUT ROWID
            """);
        database.Execute(
            """
            CREATE TABLE timers(
              instance TEXT NOT NULL, task INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(instance, task)) WITHOUT ROWID
            """);
    }

    /// <summary>Since version 2 an instance has a version, and a parent that waits for it.</summary>
    private static void AddParents(Database database)
    {
        database.Execute("ALTER TABLE instances ADD COLUMN version TEXT");
        database.Execute("ALTER TABLE instances ADD COLUMN parent TEXT");
        database.Execute("ALTER TABLE instances ADD COLUMN parent_execution INTEGER");
        database.Execute("ALTER TABLE instances ADD COLUMN parent_task INTEGER");
        database.Execute("ALTER TABLE instances ADD COLUMN parent_name TEXT");
    }

    /// <summary>Version 1 wrote failures by the names of a .NET type; since version 2 they are written as protobuf does.</summary>
    private static void RewriteFailures(Database database)
    {
        foreach (var (id, failure) in database.Query(
            "SELECT id, failure FROM instances WHERE failure IS NOT NULL", static row => (row.GetString(0), row.GetString(1))))
        {
            database.Execute("UPDATE instances SET failure = $1 WHERE id = $0", id, Rewrite(failure));
        }

        foreach (var (instance, sequence, failure) in database.Query(
            "SELECT instance, seq, payload FROM history WHERE kind = $0",
            static row => (row.GetString(0), row.GetInt64(1), row.GetString(2)),
            (int)EventKind.ActivityFailed))
        {
            database.Execute("UPDATE history SET payload = $2 WHERE instance = $0 AND seq = $1", instance, sequence, Rewrite(failure));
        }

        foreach (var (message, failure) in database.Query(
            "SELECT row, payload FROM inbox WHERE kind = $0",
            static row => (row.GetInt64(0), row.GetString(1)),
            (int)EventKind.ActivityFailed))
        {
            database.Execute("UPDATE inbox SET payload = $1 WHERE row = $0", message, Rewrite(failure));
        }
    }

    private static string Rewrite(string failure) =>
        Failure.Write(Details(JsonSerializer.Deserialize<OldFailure>(failure, OldFailure.Json)!));

    private static TaskFailureDetails Details(OldFailure failure) => new()
    {
        ErrorType = failure.ErrorType,
        ErrorMessage = failure.ErrorMessage,
        StackTrace = failure.StackTrace,
        InnerFailure = failure.InnerFailure is null ? null : Details(failure.InnerFailure),
    };

    private sealed record OldFailure(string ErrorType, string ErrorMessage, string? StackTrace, OldFailure? InnerFailure)
    {
        public static readonly JsonSerializerOptions Json = new() { PropertyNameCaseInsensitive = true };
    }
}
