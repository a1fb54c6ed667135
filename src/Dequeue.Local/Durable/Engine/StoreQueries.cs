using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Dequeue.Local.Durable.Engine;

/// <summary>What is read from the store.</summary>
internal static class StoreQueries
{
    private const string Columns = "id, name, status, created, updated, input, output, custom, failure";

    public static List<HistoryEvent> History(this Database database, string id) => database.Query(
        "SELECT kind, task, name, payload, at FROM history WHERE instance = $0 ORDER BY seq",
        static row => new HistoryEvent((EventKind)row.GetInt32(0), row.GetInt32(1), Text(row, 2), Text(row, 3), Time(row, 4)),
        id);

    public static OrchestrationMetadata? Instance(this Database database, string id, JsonSerializerOptions json, bool withValues) =>
        database.Query($"SELECT {Columns} FROM instances WHERE id = $0", row => Metadata(row, json, withValues), id).FirstOrDefault();

    /// <summary>A page of instances in the order of their ids, after one.</summary>
    public static List<OrchestrationMetadata> Instances(
        this Database database, OrchestrationQuery query, string after, int limit, JsonSerializerOptions json) => database.Query(
        $"""
        SELECT {Columns} FROM instances
        WHERE id > $0 AND created >= $1 AND created <= $2 AND ($3 IS NULL OR substr(id, 1, length($3)) = $3)
          AND ($4 IS NULL OR status IN (SELECT value FROM json_each($4)))
        ORDER BY id LIMIT $5
        """,
        row => Metadata(row, json, query.FetchInputsAndOutputs),
        after,
        query.CreatedFrom?.UtcTicks ?? 0,
        query.CreatedTo?.UtcTicks ?? long.MaxValue,
        query.InstanceIdPrefix,
        query.Statuses is null ? null : JsonSerializer.Serialize(query.Statuses.Select(status => (int)status)),
        limit);

    /// <summary>All instances that have not ended.</summary>
    public static List<Instance> LiveInstances(this Database database) => database.Query(
        """
        SELECT id, name, execution, status, EXISTS(SELECT 1 FROM history WHERE instance = id) FROM instances WHERE status IN (0, 6, 7)
        """,
        static row =>
        {
            var status = (OrchestrationRuntimeStatus)row.GetInt32(3);
            var begun = row.GetBoolean(4);
            var instance = new Instance(
                row.GetString(0), row.GetString(1), row.GetInt64(2), begun, status == OrchestrationRuntimeStatus.Suspended);
            if (begun || status == OrchestrationRuntimeStatus.Running)
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

    private static OrchestrationMetadata Metadata(SqliteDataReader row, JsonSerializerOptions json, bool withValues) =>
        new(row.GetString(1), row.GetString(0))
        {
            RuntimeStatus = (OrchestrationRuntimeStatus)row.GetInt32(2),
            CreatedAt = Time(row, 3),
            LastUpdatedAt = Time(row, 4),
            SerializedInput = withValues ? Text(row, 5) : null,
            SerializedOutput = withValues ? Text(row, 6) : null,
            SerializedCustomStatus = withValues ? Text(row, 7) : null,
            FailureDetails = withValues && Text(row, 8) is { } failure
                ? JsonSerializer.Deserialize<TaskFailureDetails>(failure, json)
                : null,
            Json = withValues ? json : null,
        };

    private static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static DateTime Time(SqliteDataReader row, int column) => new(row.GetInt64(column), DateTimeKind.Utc);
}
