using Microsoft.DurableTask.Protobuf;

namespace Dequeue.FunctionsHost.Durable;

/// <summary>The statements that change the store. All of a write's are committed together.</summary>
internal sealed class StoreTransaction(Database database, DurableStore store)
{
    /// <summary>The run of an instance that has not ended; null if it has, or there is none.</summary>
    public long? LiveExecution(string id) =>
        (long?)database.Scalar("SELECT execution FROM instances WHERE id = $0 AND status IN (0, 6, 7)", id);

    /// <summary>Where an instance is in its life; null if there is none.</summary>
    public OrchestrationStatus? Status(string id) =>
        (OrchestrationStatus?)(long?)database.Scalar("SELECT status FROM instances WHERE id = $0", id);

    /// <summary>Stores a new instance, in place of another if that may be replaced. Null if it may not.</summary>
    public (long Execution, HistoryEvent Start)? Create(NewInstance instance, DateTime now, Func<OrchestrationStatus, bool> mayReplace)
    {
        var (id, name, version, input, startAt, parent) = instance;
        if (Status(id) is { } status)
        {
            if (!mayReplace(status))
            {
                return null;
            }

            // One that has ended has neither.
            Forget(id);
            database.Execute("DELETE FROM inbox WHERE instance = $0", id);
        }

        var execution = store.NextExecution();
        database.Execute(
            """
            INSERT OR REPLACE INTO instances(
              id, execution, name, status, created, updated, input, version, parent, parent_execution, parent_task, parent_name)
            VALUES($0, $1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10)
            """,
            id,
            execution,
            name,
            (int)OrchestrationStatus.Pending,
            now.Ticks,
            input,
            version,
            parent?.InstanceId,
            parent?.Execution,
            parent?.TaskId,
            parent?.Name);
        return (execution, Post(id, new HistoryEvent(EventKind.ExecutionStarted, Name: name, Payload: input, At: startAt)));
    }

    /// <summary>Stores a message for an instance, and gives it with its row.</summary>
    public HistoryEvent Post(string id, HistoryEvent message) => message with
    {
        Row = (long)database.Scalar(
            "INSERT INTO inbox(instance, kind, task, name, payload, at) VALUES($0, $1, $2, $3, $4, $5) RETURNING row",
            id,
            (int)message.Kind,
            message.TaskId,
            message.Name,
            message.Payload,
            message.At.Ticks)!,
    };

    /// <summary>Turns a call that has ended into a message. Null if nobody waits for it any more.</summary>
    public HistoryEvent? Complete(ActivityCall call, HistoryEvent completed)
    {
        var known = database.Execute(
            "DELETE FROM activities WHERE instance = $0 AND execution = $1 AND task = $2", call.InstanceId, call.Execution, call.TaskId);
        return known > 0 && LiveExecution(call.InstanceId) == call.Execution ? Post(call.InstanceId, completed) : null;
    }

    /// <summary>Removes what a step has taken.</summary>
    public void Take(string id, IEnumerable<HistoryEvent> messages)
    {
        foreach (var message in messages)
        {
            if (message.Row != 0)
            {
                database.Execute("DELETE FROM inbox WHERE row = $0", message.Row);
            }
            else if (message.Kind == EventKind.TimerFired)
            {
                database.Execute("DELETE FROM timers WHERE instance = $0 AND task = $1", id, message.TaskId);
            }
        }
    }

    public void AddHistory(string id, int from, IEnumerable<HistoryEvent> events)
    {
        foreach (var happened in events)
        {
            database.Execute(
                "INSERT INTO history(instance, seq, kind, task, name, payload, at) VALUES($0, $1, $2, $3, $4, $5, $6)",
                id,
                from++,
                (int)happened.Kind,
                happened.TaskId,
                happened.Name,
                happened.Payload,
                happened.At.Ticks);
        }
    }

    public void AddActivity(ActivityCall call) => database.Execute(
        "INSERT INTO activities(instance, execution, task, name, input) VALUES($0, $1, $2, $3, $4)",
        call.InstanceId,
        call.Execution,
        call.TaskId,
        call.Name,
        call.Input);

    public void AddTimer(string id, int task, DateTime at) =>
        database.Execute("INSERT INTO timers(instance, task, at) VALUES($0, $1, $2)", id, task, at.Ticks);

    public void Update(string id, OrchestrationStatus status, DateTime now, string? customStatus) => database.Execute(
        "UPDATE instances SET status = $1, updated = $2, custom = $3 WHERE id = $0", id, (int)status, now.Ticks, customStatus);

    public void UpdateStatus(string id, OrchestrationStatus status, DateTime now) =>
        database.Execute("UPDATE instances SET status = $1, updated = $2 WHERE id = $0", id, (int)status, now.Ticks);

    /// <summary>Ends an instance: what had happened, and what was still to happen, goes; calls that run already run on.</summary>
    public void End(string id, OrchestrationStatus status, DateTime now, string? output, string? failure)
    {
        database.Execute(
            "UPDATE instances SET status = $1, updated = $2, output = $3, failure = $4 WHERE id = $0",
            id,
            (int)status,
            now.Ticks,
            output,
            failure);
        Forget(id);
        database.Execute("DELETE FROM inbox WHERE instance = $0", id);
    }

    /// <summary>Starts an instance over; gives its new run and first messages, which sort before those that came meanwhile.</summary>
    public (long Execution, IReadOnlyList<HistoryEvent> First) StartOver(
        string id, string name, Outcome.ContinuedAsNew again, DateTime now)
    {
        var execution = store.NextExecution();
        database.Execute(
            "UPDATE instances SET execution = $1, input = $2, updated = $3, version = $4 WHERE id = $0",
            id,
            execution,
            again.Input,
            now.Ticks,
            again.Version);
        Forget(id);
        database.Execute(
            "DELETE FROM inbox WHERE instance = $0 AND kind IN ($1, $2, $3, $4)",
            id,
            (int)EventKind.ActivityCompleted,
            (int)EventKind.ActivityFailed,
            (int)EventKind.ChildCompleted,
            (int)EventKind.ChildFailed);
        var row = store.RowsBeforeAll(again.Events.Count + 1);
        var first = again.Events.Prepend(new HistoryEvent(EventKind.ExecutionStarted, Name: name, Payload: again.Input))
            .Select(message => message with { Row = row++ }).ToList();
        foreach (var message in first)
        {
            database.Execute(
                "INSERT INTO inbox(row, instance, kind, task, name, payload, at) VALUES($0, $1, $2, $3, $4, $5, $6)",
                message.Row,
                id,
                (int)message.Kind,
                message.TaskId,
                message.Name,
                message.Payload,
                message.At.Ticks);
        }

        return (execution, first);
    }

    /// <summary>Removes an instance that has ended. False if there is none, or it has not.</summary>
    public bool Purge(string id) => database.Execute("DELETE FROM instances WHERE id = $0 AND status NOT IN (0, 6, 7)", id) > 0;

    /// <summary>Removes all instances that have ended and fit a filter; gives their number.</summary>
    public int Purge(PurgeInstanceFilter filter) => database.Execute(
        """
        DELETE FROM instances WHERE status NOT IN (0, 6, 7) AND created >= $0 AND created <= $1
          AND ($2 IS NULL OR status IN (SELECT value FROM json_each($2)))
        """,
        StoreQueries.Ticks(filter.CreatedTimeFrom, 0),
        StoreQueries.Ticks(filter.CreatedTimeTo, long.MaxValue),
        StoreQueries.Numbers(filter.RuntimeStatus));

    private void Forget(string id)
    {
        database.Execute("DELETE FROM history WHERE instance = $0", id);
        database.Execute("DELETE FROM timers WHERE instance = $0", id);
    }
}
