using Dequeue.Contracts;
using Dequeue.Sync.Log.Reading;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Log.Entities;

/// <summary>
/// Finds the events that concern some entities: from the index as far as it goes, and from the pages after it. Both are read by the
/// same rules, and only up to the end of the range, so that the answer is the same whenever it is asked for.
/// </summary>
internal sealed class EntitySelector(IPartitionedTable table, string log)
{
    /// <summary>Entities whose index rows are read at once.</summary>
    private const int MaxLookups = 16;

    private readonly PageEntities _recent = new();
    private Checkpoint _indexed, _through;

    public async Task<EventSelection> SelectAsync(EntityQuery query, Checkpoint after, Checkpoint through, CancellationToken cancellationToken)
    {
        var head = HeadRow.From(await table.GetAsync(log, LogRows.Head, null, cancellationToken));
        _through = through < head.Head.Last ? through : head.Head.Last;
        if (after >= _through) return EventSelection.None;
        _indexed = head.Indexed;

        // A stack's tasks may have been made before the range: what happened since to them, or to what hangs on them, counts too.
        EntityKey? stack = query.ActiveStackId is { } id ? EntityKey.Of(id) : null;
        var since = stack is null ? after : Checkpoint.Beginning;
        await ReadRecentAsync(since > _indexed ? since : _indexed, cancellationToken);

        List<EntityKey> named = [.. query.EntityIds.Select(EntityKey.Of).Where(key => key != stack).Distinct()];
        var found = await EventsAsync(named, after, cancellationToken);
        if (stack is { } active)
        {
            var events = await EventsAsync([active], Checkpoint.Beginning, cancellationToken);
            var tasks = events.Where(e => e.Task is not null).OrderByDescending(e => e.Tick).Select(e => e.Task!.Value).Distinct().Take(EntityQuery.MaxTasks);
            found = [.. found, .. events, .. await EventsAsync([.. tasks.Except(named)], after, cancellationToken)];
        }

        found = found.FindAll(e => e.Tick > after.Ticks);
        return new EventSelection(
            [.. found.Select(e => e.Tick).Distinct().Order()],
            [.. found.Select(e => e.Page).Where(page => page <= _indexed.Ticks).Distinct().Order()]);
    }

    private async Task ReadRecentAsync(Checkpoint after, CancellationToken cancellationToken)
    {
        await foreach (var page in new PageReader(table, log).ReadAsync(after, _through, int.MaxValue, cancellationToken)) _recent.Add(page);
    }

    private async Task<List<EntityEvent>> EventsAsync(List<EntityKey> keys, Checkpoint after, CancellationToken cancellationToken)
    {
        var found = new List<EntityEvent>[keys.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = MaxLookups, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, keys.Count, options, async (i, cancel) => found[i] = await EventsAsync(keys[i], after, cancel));
        return [.. found.SelectMany(events => events)];
    }

    private async Task<List<EntityEvent>> EventsAsync(EntityKey key, Checkpoint after, CancellationToken cancellationToken)
    {
        var found = new List<EntityEvent>();
        var query = new RowQuery(LogRows.Entity(key, after.Ticks), LogRows.Entity(key, _indexed.Ticks + 1), TableLimits.AnswerRows);
        for (var hasMore = after < _indexed; hasMore;)
        {
            var answer = await table.QueryAsync(log, query, cancellationToken);
            found.AddRange(answer.Rows.SelectMany(EntityRow.Read).Where(e => e.Tick <= _through.Ticks));
            hasMore = answer.HasMore;
            if (hasMore) query = query with { After = answer.Rows[^1].Key };
        }

        found.AddRange(_recent.Of(key));
        return found;
    }
}
