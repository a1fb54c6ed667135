using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Data.Sqlite;
using Microsoft.DurableTask.Protobuf;

namespace Dequeue.FunctionsHost.Durable;

/// <summary>What is read from the store.</summary>
internal static class StoreQueries
{
    private const string Columns = "id, name, status, created, updated, input, output, custom, failure, version";

    public static List<HistoryEvent> History(this Database database, string id) => database.Query(
        "SELECT kind, task, name, payload, at FROM history WHERE instance = $0 ORDER BY seq",
        static row => new HistoryEvent((EventKind)row.GetInt32(0), row.GetInt32(1), Text(row, 2), Text(row, 3), Time(row, 4)),
        id);

    public static OrchestrationState? Instance(this Database database, string id, bool withValues) =>
        database.Query($"SELECT {Columns} FROM instances WHERE id = $0", row => State(row, withValues), id).FirstOrDefault();

    /// <summary>A page of instances in the order of their ids, after one.</summary>
    public static List<OrchestrationState> Instances(
        this Database database, InstanceQuery query, string after, int limit) => database.Query(
        $"""
        SELECT {Columns} FROM instances
        WHERE id > $0 AND created >= $1 AND created <= $2 AND ($3 IS NULL OR substr(id, 1, length($3)) = $3)
          AND ($4 IS NULL OR status IN (SELECT value FROM json_each($4)))
        ORDER BY id LIMIT $5
        """,
        row => State(row, query.FetchInputsAndOutputs),
        after,
        Ticks(query.CreatedTimeFrom, 0),
        Ticks(query.CreatedTimeTo, long.MaxValue),
        query.InstanceIdPrefix,
        Numbers(query.RuntimeStatus),
        limit);

    /// <summary>All instances that have not ended.</summary>
    public static List<Instance> LiveInstances(this Database database) => database.Query(
        """
        SELECT id, name, execution, status, EXISTS(SELECT 1 FROM history WHERE instance = id), version, parent, parent_execution,
          parent_task, parent_name
        FROM instances WHERE status IN (0, 6, 7)
        """,
        static row =>
        {
            var status = (OrchestrationStatus)row.GetInt32(3);
            var begun = row.GetBoolean(4);
            var parent = Text(row, 6) is { } id ? new ParentCall(id, row.GetInt64(7), row.GetInt32(8), row.GetString(9)) : null;
            var instance = new Instance(
                row.GetString(0), row.GetString(1), Text(row, 5), parent, row.GetInt64(2), begun, status == OrchestrationStatus.Suspended);
            if (begun || status == OrchestrationStatus.Running)
            {
                instance.Started.SetResult();
            }

            return instance;
        });

    public static List<(string Instance, HistoryEvent Message)> Inbox(this Database database) => database.Query(
        "SELECT instance, kind, task, name, payload, at, row FROM inbox ORDER BY row",
        static row => (row.GetString(0), new HistoryEvent(
            (EventKind)row.GetInt32(1), row.GetInt32(2), Text(row, 3), Text(row, 4), Time(row, 5), row.GetInt64(6))));

    public static List<(string Instance, int Task, DateTime At)> Timers(this Database database) => database.Query(
        "SELECT instance, task, at FROM timers", static row => (row.GetString(0), row.GetInt32(1), Time(row, 2)));

    public static List<ActivityCall> Activities(this Database database) => database.Query(
        "SELECT instance, execution, task, name, input FROM activities ORDER BY execution, task",
        static row => new ActivityCall(row.GetString(0), row.GetInt64(1), row.GetInt32(2), row.GetString(3), Text(row, 4)));

    /// <summary>A time as it is stored, or what stands for none.</summary>
    public static long Ticks(Timestamp? time, long none) => time?.ToDateTime().Ticks ?? none;

    /// <summary>Statuses as a JSON array of what is stored; null if there are none.</summary>
    public static string? Numbers(IReadOnlyCollection<OrchestrationStatus> statuses) => statuses.Count == 0
        ? null
        : $"[{string.Join(',', statuses.Select(static status => ((int)status).ToString(CultureInfo.InvariantCulture)))}]";

    private static OrchestrationState State(SqliteDataReader row, bool withValues) => new()
    {
        InstanceId = row.GetString(0),
        Name = row.GetString(1),
        Version = Text(row, 9),
        OrchestrationStatus = (OrchestrationStatus)row.GetInt32(2),
        CreatedTimestamp = Timestamp.FromDateTime(Time(row, 3)),
        LastUpdatedTimestamp = Timestamp.FromDateTime(Time(row, 4)),
        Input = withValues ? Text(row, 5) : null,
        Output = withValues ? Text(row, 6) : null,
        CustomStatus = withValues ? Text(row, 7) : null,
        FailureDetails = withValues && Text(row, 8) is { } failure ? Failure.Read(failure) : null,
    };

    private static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static DateTime Time(SqliteDataReader row, int column) => new(row.GetInt64(column), DateTimeKind.Utc);
}
