using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging;

namespace Dequeue.Sync.Log.Entities;

/// <summary>
/// Writes the index rows of sealed pages. Each transaction replaces the head under its ETag too, so that no row is left behind by an
/// erase, and the last one of a page moves the head's mark past it. Until then readers look at the page itself, so that a process may
/// stop anywhere: the next append goes on.
/// </summary>
internal sealed partial class EntityIndexer(IPartitionedTable table, ILogger logger)
{
    /// <summary>How often a transaction is tried anew because another process appended meanwhile, for one page.</summary>
    private const int MaxLostRaces = 16;

    /// <summary>Indexes the first sealed page that is not indexed. What fails is logged and left to the next append.</summary>
    /// <param name="log">The log's partition.</param>
    /// <param name="head">The head row as last seen, which says that there is such a page.</param>
    /// <returns>The head row as it is now, or null when that is not known.</returns>
    public async Task<HeadRow?> IndexNextAsync(string log, HeadRow head)
    {
        try
        {
            var query = new RowQuery(LogRows.Page(head.Indexed.Ticks), LogRows.AfterPages, 1);
            var answer = await table.QueryAsync(log, query, CancellationToken.None);
            if (answer.Rows.Count == 0 || PageFormat.Decode(answer.Rows[0]) is not { } page || page.Last > head.Head.SealedThrough) return null;
            var entities = new PageEntities();
            entities.Add(page);
            return await WriteAsync(log, head, page, [.. entities.Rows()]);
        }
        catch (Exception e)
        {
            LogNotIndexed(logger, e);
            return null;
        }
    }

    private async Task<HeadRow?> WriteAsync(string log, HeadRow head, EventPage page, List<TableRow> rows)
    {
        var (written, races) = (0, 0);
        while (true)
        {
            var part = rows.Skip(written).Take(TableLimits.Operations - 1).ToList();
            var isLast = written + part.Count == rows.Count;
            var next = isLast ? head with { Indexed = page.Last } : head;
            if (await table.CommitAsync(log, [next.Commit(head), .. part.Select(row => new RowOperation.Put(row))], CancellationToken.None) is CommitOutcome.Committed committed)
            {
                head = next with { ETag = committed.ETags[0] };
                written += part.Count;
                if (isLast) return head;
                continue;
            }

            // Another process has appended, or indexed, or it erases the log.
            var now = HeadRow.From(await table.GetAsync(log, LogRows.Head, null, CancellationToken.None));
            if (now.ETag is null || now.IsErasing || now.Indexed != head.Indexed || ++races > MaxLostRaces) return now;
            head = now;
        }
    }

    [LoggerMessage(803, LogLevel.Warning, "The entities of a sealed page could not be indexed; reads look at the page until a later append has done it", EventName = "803")]
    private static partial void LogNotIndexed(ILogger logger, Exception exception);
}
