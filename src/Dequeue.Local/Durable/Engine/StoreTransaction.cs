namespace Dequeue.Local.Durable.Engine;

/// <summary>The statements that change the store. All of a write's are committed together.</summary>
internal sealed class StoreTransaction(Database database, DurableStore store)
{
    /// <summary>The run of an instance that has not ended; null if it has, or there is none.</summary>
    public long? LiveExecution(string id) =>
        (long?)database.Scalar("SELECT execution FROM instances WHERE id = $0 AND status IN (0, 6, 7)", id);

    /// <summary>Where an instance is in its life; null if there is none.</summary>
    public OrchestrationRuntimeStatus? Status(string id) =>
        (OrchestrationRuntimeStatus?)(long?)database.Scalar("SELECT status FROM instances WHERE id = $0", id);

    /// <summary>Stores a new instance in place of one that has ended. Null if there is one that has not.</summary>
    public (long Execution, HistoryEvent Start)? Create(string id, string name, string? input, DateTime now, DateTime startAt)
    {
        if (LiveExecution(id) is not null)
        {
            return null;
        }

        var execution = store.NextExecution();
        database.Execute(
            """
            INSERT OR REPLACE INTO instances(id, execution, name, status, created, updated, input) VALUES($0, $1, $2, $3, $4, $4, $5)
            """,
            id,
            execution,
            name,
            (int)OrchestrationRuntimeStatus.Pending,
            now.Ticks,
            input);
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

    /// <summary>Removes what a step has taken, and timers that it has cancelled.</summary>
    public void Take(string id, IEnumerable<HistoryEvent> messages, IEnumerable<int> cancelledTimers)
    {
        foreach (var message in messages)
        {
            if (message.Row != 0)
            {
                database.Execute("DELETE FROM inbox WHERE row = $0", message.Row);
            }
            else if (message.Kind == EventKind.TimerFired)
            {
                RemoveTimer(message.TaskId);
            }
        }

        foreach (var timer in cancelledTimers)
        {
            RemoveTimer(timer);
        }

        void RemoveTimer(int task) => database.Execute("DELETE FROM timers WHERE instance = $0 AND task = $1", id, task);
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

    public void Update(string id, OrchestrationRuntimeStatus status, DateTime now, string? customStatus) => database.Execute(
        "UPDATE instances SET status = $1, updated = $2, custom = $3 WHERE id = $0", id, (int)status, now.Ticks, customStatus);

    public void UpdateStatus(string id, OrchestrationRuntimeStatus status, DateTime now) =>
        database.Execute("UPDATE instances SET status = $1, updated = $2 WHERE id = $0", id, (int)status, now.Ticks);

    /// <summary>Ends an instance: what had happened, and what was still to happen, goes; calls that run already run on.</summary>
    public void End(string id, OrchestrationRuntimeStatus status, DateTime now, string? output, string? failure)
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
        string id, string name, string? input, IReadOnlyList<HistoryEvent> events, DateTime now)
    {
        var execution = store.NextExecution();
        database.Execute(
            "UPDATE instances SET execution = $1, input = $2, updated = $3 WHERE id = $0", id, execution, input, now.Ticks);
        Forget(id);
        database.Execute(
            "DELETE FROM inbox WHERE instance = $0 AND kind IN ($1, $2)",
            id,
            (int)EventKind.ActivityCompleted,
            (int)EventKind.ActivityFailed);
        var row = store.RowsBeforeAll(events.Count + 1);
        var first = events.Prepend(new HistoryEvent(EventKind.ExecutionStarted, Name: name, Payload: input))
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

    private void Forget(string id)
    {
        database.Execute("DELETE FROM history WHERE instance = $0", id);
        database.Execute("DELETE FROM timers WHERE instance = $0", id);
    }
}
