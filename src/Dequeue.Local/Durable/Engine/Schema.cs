namespace Dequeue.Local.Durable.Engine;

/// <summary>
/// The tables. Times are UTC ticks. Activities, timers and messages (inbox) are what still has to happen; history is what
/// has; an instance that has ended keeps neither.
/// </summary>
internal static class Schema
{
    /// <summary>Goes up with each change of the tables.</summary>
    private const long Version = 1;

    /// <exception cref="InvalidOperationException">The file is of another version.</exception>
    public static void Create(Database database)
    {
        var version = (long)database.Scalar("PRAGMA user_version")!;
        if (version == Version)
        {
            return;
        }

        if (version != 0)
        {
            throw new InvalidOperationException($"The durable store is of version {version}, not {Version}: move its file away.");
        }

        database.Execute("BEGIN IMMEDIATE");
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
        database.Execute($"PRAGMA user_version = {Version}");
        database.Execute("COMMIT");
    }
}
