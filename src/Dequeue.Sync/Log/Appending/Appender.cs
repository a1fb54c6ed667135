using Dequeue.Contracts;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging;

namespace Dequeue.Sync.Log.Appending;

/// <summary>Commits one transaction of appends: the head, the new page, the removal of the pages folded into it, the id rows.</summary>
internal sealed partial class Appender(IPartitionedTable table, TimeProvider clock, ILogger logger)
{
    /// <summary>How often a transaction is tried anew after another process was faster. Each lost race is a commit of someone
    /// else, so this many are lost only under a load that one log cannot bear.</summary>
    private const int MaxLostRaces = 64;

    /// <summary>How often it is tried anew when storage fails, beyond the adapter's own patience with reads.</summary>
    private const int MaxFailures = 3;

    /// <summary>Id rows read at once when some of the ids are stored already.</summary>
    private const int MaxLookups = 16;

    private static readonly string[] IdColumns = [IdRow.TickColumn];

    /// <summary>Commits what waits in the queue, as much as fits one transaction.</summary>
    /// <param name="log">The log's partition.</param>
    /// <param name="queue">The appends.</param>
    /// <param name="head">The head row as last seen, or null to read it.</param>
    /// <param name="onCommitted">Hears of the new events before their callers do: here, because callers go on in any order.</param>
    /// <returns>The head row as it is now.</returns>
    public async Task<HeadRow> CommitNextAsync(string log, AppendQueue queue, HeadRow? head, Action<CommittedEvents> onCommitted)
    {
        for (var races = 0; ; races++)
        {
            head ??= await ReadHeadAsync(log);
            if (head.IsErasing) throw new StorageUnavailableException("This log is being erased. Try again when that is done.");
            var (epoch, isNewEpoch) = await EpochAsync(log, head);
            queue.RefuseOthers(head.Head with { Epoch = isNewEpoch ? null : epoch }, mayBeUnknown: head.Head.Count > 0);
            var room = Folding.Room(head.Tail, isNewEpoch);
            var parts = queue.Take(room.Events, room.Bytes);
            if (parts.Count == 0) return head;
            head = head with { Head = head.Head with { Epoch = epoch }, WritesEpoch = isNewEpoch };

            if (await PrepareAsync(log, head, parts) is { } transaction)
            {
                switch (await SubmitAsync(log, transaction))
                {
                    case CommitOutcome.Committed committed:
                        transaction.Credit();
                        onCommitted(transaction.Committed);
                        head = transaction.Head with { ETag = committed.ETags[0] };
                        queue.Complete(parts, head.Head);
                        return head;
                    case CommitOutcome.AlreadyExists:
                    case null:
                        if (await ReconcileAsync(log, transaction, onCommitted) == 0) break;
                        head = await ReadHeadAsync(log);
                        queue.Complete(parts, head.Head);
                        return head;
                }
            }

            if (races == MaxLostRaces)
            {
                throw new StorageUnavailableException("Too many writers append to one log at the same time. Try again later.");
            }

            LogLostRace(logger, races + 1);
            await DelayAsync(TimeSpan.FromMilliseconds(10 << Math.Min(races, 5)));
            head = null;
        }
    }

    /// <summary>The log's epoch, and whether it is made now: in a log's first transaction, or the first one of a version that knows epochs.</summary>
    private async Task<(string Epoch, bool IsNew)> EpochAsync(string log, HeadRow head)
    {
        if (head.Head.Epoch is { } known) return (known, head.WritesEpoch);
        return head.ETag is not null && await EpochRow.FindAsync(table, log, CancellationToken.None) is { } kept ? (kept, false) : (EpochRow.NewEpoch(), true);
    }

    /// <summary>Puts the transaction together; null when the pages to fold are gone, because the head is not current.</summary>
    private async Task<AppendTransaction?> PrepareAsync(string log, HeadRow head, List<BatchPart> parts)
    {
        var bytes = parts.Sum(part => part.Events.Sum(e => e.Json.Length + 1)) - 1;
        var (folded, isSealed) = Folding.Plan(head.Tail, parts.Sum(part => part.Events.Count), bytes);
        var pages = await ReadTailAsync(log, head, folded);
        return pages is null ? null : new AppendTransaction(head, parts, pages, isSealed, clock.GetUtcNow().Ticks);
    }

    /// <summary>
    /// Commits the transaction. When storage fails it may have been committed all the same, so the very same one is tried again
    /// while the head stands; when the head moved, the outcome is null: the id rows tell.
    /// </summary>
    private async Task<CommitOutcome?> SubmitAsync(string log, AppendTransaction transaction)
    {
        for (var failures = 0; ; failures++)
        {
            try
            {
                if (failures > 0 && (await ReadHeadAsync(log)).ETag != transaction.Replaced.ETag) return null;
                var outcome = await table.CommitAsync(log, transaction.Operations, CancellationToken.None);
                return failures > 0 && outcome is not CommitOutcome.Committed ? null : outcome;
            }
            catch (StorageUnavailableException e) when (failures < MaxFailures)
            {
                LogDoubt(logger, e);
                await DelayAsync(TimeSpan.FromMilliseconds(100 << failures));
            }
        }
    }

    /// <summary>Finds out which events of the transaction are stored, by this transaction after all or by another one.</summary>
    /// <returns>How many are.</returns>
    private async Task<int> ReconcileAsync(string log, AppendTransaction transaction, Action<CommittedEvents> onCommitted)
    {
        var page = transaction.NewEvents;
        var stored = new long?[page.Count];
        await Parallel.ForAsync(0, page.Count, new ParallelOptions { MaxDegreeOfParallelism = MaxLookups }, async (i, cancellationToken) =>
        {
            var row = await table.GetAsync(log, LogRows.Id(transaction.Ids[i]), IdColumns, cancellationToken);
            stored[i] = row is null ? null : IdRow.Tick(row);
        });
        if (Enumerable.Range(0, page.Count).All(i => stored[i] == page.CheckpointAt(i).Ticks))
        {
            transaction.Credit();
            onCommitted(transaction.Committed);
            return page.Count;
        }

        var ids = transaction.Ids.Where((_, i) => stored[i] is not null).ToHashSet();
        foreach (var part in transaction.Parts) part.Append.StoredBefore(ids);
        return ids.Count;
    }

    /// <summary>Reads the last pages of the tail, or null when they are not what the head says and the head has changed.</summary>
    private async Task<List<EventPage>?> ReadTailAsync(string log, HeadRow head, int count)
    {
        var expected = head.Tail.TakeLast(count).ToList();
        var pages = new List<EventPage>(count);
        while (pages.Count < count)
        {
            // One row more than is needed would show a row that should not be there.
            var after = pages.Count > 0 ? LogRows.Page(pages[^1].Last.Ticks) : LogRows.Page(expected[0].Tick - 1);
            var answer = await table.QueryAsync(log, new RowQuery(after, LogRows.AfterPages, count - pages.Count + 1), CancellationToken.None);
            pages.AddRange(answer.Rows.Select(PageFormat.Decode));
            if (!answer.HasMore) break;
        }

        if (pages.Select(page => (page.Last.Ticks, page.Count)).SequenceEqual(expected.Select(page => (page.Tick, page.Count)))) return pages;
        if ((await ReadHeadAsync(log)).ETag != head.ETag) return null;
        throw new LogCorruptException("The pages at the log's end are not those that the head row lists.");
    }

    private async Task<HeadRow> ReadHeadAsync(string log) => HeadRow.From(await table.GetAsync(log, LogRows.Head, null, CancellationToken.None));

    // Jitter keeps processes that lost together from meeting again.
    private Task DelayAsync(TimeSpan upTo) => Task.Delay(upTo * Random.Shared.NextDouble(), clock);

    [LoggerMessage(801, LogLevel.Debug, "Another process was faster to append to a log, attempt {Attempt}; trying again", EventName = "801")]
    private static partial void LogLostRace(ILogger logger, int attempt);

    [LoggerMessage(802, LogLevel.Warning, "Storage failed during a commit that may have taken effect all the same; finding out", EventName = "802")]
    private static partial void LogDoubt(ILogger logger, Exception exception);
}
