using System.Runtime.CompilerServices;
using Dequeue.Contracts;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Reading;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Backup;

/// <summary>
/// Copies logs from one table to another, row by row, so that the copy has the same events, commit positions and epoch. A log that is
/// written meanwhile is copied as it was when it was begun with: what comes later has later positions, and is left out.
/// </summary>
public static class LogCopy
{
    /// <summary>How often a log that was erased or put back meanwhile is begun with again. Nobody does that all the time.</summary>
    private const int MaxAttempts = 5;

    /// <summary>Bytes of rows after which a transaction is sent: with one more row and base64 it stays within Azure's 4 MiB.</summary>
    private const int TransactionBytes = 1024 * 1024;

    /// <summary>Page rows of one answer; each may have 1 MiB.</summary>
    private const int PageRows = 8;

    /// <summary>Copies one log. What the target has of it goes first.</summary>
    /// <param name="source">Where it is.</param>
    /// <param name="target">Where it shall be. Until it is whole there, it is empty to readers and refuses appends.</param>
    /// <param name="log">Its partition.</param>
    /// <param name="cancellationToken">Gives up; copying again finishes it.</param>
    /// <returns>How many rows it has; 0 when there is no such log, or it is being erased.</returns>
    /// <exception cref="LogCorruptException">It lacks events.</exception>
    public static async Task<long> CopyAsync(IPartitionedTable source, IPartitionedTable target, string log, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            await EraseAsync(target, log, cancellationToken);
            var head = HeadRow.From(await source.GetAsync(log, LogRows.Head, null, cancellationToken));
            if (head.ETag is null || head.IsErasing) return 0;
            await CommitAsync(target, log, [new RowOperation.Insert(HeadRow.Erasing)], cancellationToken);
            var tail = new List<TailPage>();
            var copied = new Tally();
            var rows = await WriteAsync(target, log, RowsAsync(source, log, head, tail, copied, cancellationToken), cancellationToken);
            if (copied.Events != head.Head.Count) continue;
            var whole = ((RowOperation.Insert)(head with { Tail = tail }).Commit(HeadRow.None)).Row;
            await CommitAsync(target, log, [new RowOperation.Replace(whole, null)], cancellationToken);
            return rows + 1;
        }

        throw new LogCorruptException("A log has not the events that its head counts, or was erased and put back all the time.");
    }

    /// <summary>Erases a log by its partition.</summary>
    /// <param name="table">Where it is.</param>
    /// <param name="log">Its partition.</param>
    /// <param name="cancellationToken">Gives up; erasing again finishes it.</param>
    public static async Task EraseAsync(IPartitionedTable table, string log, CancellationToken cancellationToken)
        => await new Eraser(table, log).EraseAsync(cancellationToken);

    // What the head knew of: sealed pages and index rows as they are, they never change; the tail as it was up to the head, whatever was
    // folded since.
    private static async IAsyncEnumerable<TableRow> RowsAsync(
        IPartitionedTable source, string log, HeadRow head, List<TailPage> tail, Tally copied, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (await source.GetAsync(log, LogRows.Epoch, null, cancellationToken) is { } epoch) yield return epoch;
        await foreach (var row in RowsAsync(source, log, LogRows.BeforeEntities, LogRows.AfterEntities, TableLimits.AnswerRows, cancellationToken))
        {
            if (LogRows.EntityPageTick(row.Key) is { } page && page <= head.Indexed.Ticks) yield return row;
        }

        await foreach (var row in RowsAsync(source, log, LogRows.BeforeIds, LogRows.AfterIds, TableLimits.AnswerRows, cancellationToken))
        {
            if (IdRow.Tick(row) is { } tick && tick <= head.Head.Last.Ticks) yield return row;
        }

        var (position, tailBegins) = (Checkpoint.Beginning, head.Head.Count - head.Tail.Sum(page => page.Count));
        await foreach (var row in RowsAsync(source, log, LogRows.Page(position.Ticks), LogRows.AfterPages, PageRows, cancellationToken))
        {
            var page = PageFormat.DecodeWithoutContent(row);
            if (page.Before >= tailBegins) break;
            (position, copied.Events) = (page.Last, copied.Events + page.Count);
            yield return row;
        }

        await foreach (var page in new PageReader(source, log).ReadAsync(position, head.Head.Last, int.MaxValue, cancellationToken))
        {
            tail.Add(new TailPage(page.Last.Ticks, page.Count, page.Json.Length));
            copied.Events += page.Count;
            yield return PageFormat.Encode(page);
        }
    }

    private static async IAsyncEnumerable<TableRow> RowsAsync(
        IPartitionedTable source, string log, string after, string before, int limit, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var hasMore = true; hasMore;)
        {
            var answer = await source.QueryAsync(log, new RowQuery(after, before, limit), cancellationToken);
            foreach (var row in answer.Rows) yield return row;
            hasMore = answer.HasMore;
            if (hasMore) after = answer.Rows[^1].Key;
        }
    }

    private static async Task<long> WriteAsync(IPartitionedTable target, string log, IAsyncEnumerable<TableRow> rows, CancellationToken cancellationToken)
    {
        var (operations, bytes, written) = (new List<RowOperation>(), 0L, 0L);
        await foreach (var row in rows.WithCancellation(cancellationToken))
        {
            operations.Add(new RowOperation.Insert(Copy(row)));
            bytes += TableLimits.SizeOf(row);
            if (operations.Count < TableLimits.Operations && bytes < TransactionBytes) continue;
            await CommitAsync(target, log, operations, cancellationToken);
            written += operations.Count;
            (operations, bytes) = ([], 0);
        }

        if (operations.Count > 0) await CommitAsync(target, log, operations, cancellationToken);
        return written + operations.Count;
    }

    private static async Task CommitAsync(IPartitionedTable target, string log, IReadOnlyList<RowOperation> operations, CancellationToken cancellationToken)
    {
        if (await target.CommitAsync(log, operations, cancellationToken) is not CommitOutcome.Committed)
            throw new StorageUnavailableException("Somebody else changed a log while it was written here. Stop the server, and do it again.");
    }

    private static TableRow Copy(TableRow row)
    {
        var copy = new TableRow(row.Key);
        foreach (var (name, value) in row.Properties)
        {
            _ = value switch
            {
                string text => copy.Set(name, text),
                int number => copy.Set(name, number),
                long number => copy.Set(name, number),
                ReadOnlyMemory<byte> bytes => copy.Set(name, bytes),
                var other => throw new LogCorruptException($"A property cannot be a {other.GetType().Name}."),
            };
        }

        return copy;
    }

    private sealed class Tally
    {
        public long Events { get; set; }
    }
}
