using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Log;

/// <summary>Deletes a log: first the head says so, under its ETag, so that no writer or reader is misled; then all other rows.</summary>
internal sealed class Eraser(IPartitionedTable table, string log)
{
    /// <summary>Sorts before and after every row of a log.</summary>
    private const string First = "", Last = "~";

    /// <summary>Reads no properties: the keys are enough.</summary>
    private static readonly string[] KeysAlone = [HeadRow.ErasingColumn];

    public async Task<long> EraseAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var head = HeadRow.From(await table.GetAsync(log, LogRows.Head, null, cancellationToken));
            if (head.ETag is null) return 0;
            var mark = (HeadRow.None with { IsErasing = true }).Commit(head);
            if (head.IsErasing || await table.CommitAsync(log, [mark], cancellationToken) is CommitOutcome.Committed) break;
        }

        long deleted = 0;
        while (true)
        {
            var query = new RowQuery(First, Last, TableLimits.Operations + 1) { Columns = KeysAlone };
            var answer = await table.QueryAsync(log, query, cancellationToken);
            var keys = answer.Rows.Select(row => row.Key).Where(key => key != LogRows.Head).Take(TableLimits.Operations).ToList();

            // The head goes last and alone: as long as it stands, nobody begins a new log among the old rows.
            if (keys.Count == 0) keys.Add(LogRows.Head);
            RowOperation[] deletes = [.. keys.Select(key => new RowOperation.Delete(key))];
            if (await table.CommitAsync(log, deletes, cancellationToken) is CommitOutcome.Committed) deleted += keys.Count;
            else if (await table.GetAsync(log, LogRows.Head, null, cancellationToken) is null) return deleted;
            if (keys is [LogRows.Head]) return deleted;
        }
    }
}
