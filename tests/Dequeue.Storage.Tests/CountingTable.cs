using System.Collections.Concurrent;
using Dequeue.Sync.Storage;

namespace Dequeue.Storage.Tests;

/// <summary>Counts what is asked of a table.</summary>
internal sealed class CountingTable(IPartitionedTable inner) : IPartitionedTable
{
    private int _reads, _rows, _commits;
    private long _bytes;

    public int Reads => _reads;

    public int Rows => _rows;

    /// <summary>Bytes of the rows read.</summary>
    public long BytesRead => _bytes;

    public int Commits => _commits;

    public ConcurrentQueue<IReadOnlyList<RowOperation>> Committed { get; } = new();

    /// <summary>Events in the pages written, each time they were written.</summary>
    public long PageEvents => Pages.Sum(row => row.IntOf("n") ?? 0);

    /// <summary>Bytes of the pages written, each time they were written.</summary>
    public long PageBytes => Pages.Sum(Bytes);

    private IEnumerable<TableRow> Pages => Committed.SelectMany(operations => operations).OfType<RowOperation.Insert>().Select(insert => insert.Row).Where(row => row.Key[0] == 'p');

    public void Reset()
    {
        (_reads, _rows, _commits, _bytes) = (0, 0, 0, 0);
        Committed.Clear();
    }

    public async Task<TableRow?> GetAsync(string partition, string row, IReadOnlyList<string>? columns, CancellationToken cancellationToken)
    {
        var result = await inner.GetAsync(partition, row, columns, cancellationToken);
        Interlocked.Increment(ref _reads);
        Interlocked.Add(ref _rows, result is null ? 0 : 1);
        return result;
    }

    public async Task<RowAnswer> QueryAsync(string partition, RowQuery query, CancellationToken cancellationToken)
    {
        var answer = await inner.QueryAsync(partition, query, cancellationToken);
        Interlocked.Increment(ref _reads);
        Interlocked.Add(ref _rows, answer.Rows.Count);
        Interlocked.Add(ref _bytes, answer.Rows.Sum(Bytes));
        return answer;
    }

    public async Task<CommitOutcome> CommitAsync(string partition, IReadOnlyList<RowOperation> operations, CancellationToken cancellationToken)
    {
        var outcome = await inner.CommitAsync(partition, operations, cancellationToken);
        Interlocked.Increment(ref _commits);
        if (outcome is CommitOutcome.Committed) Committed.Enqueue(operations);
        return outcome;
    }

    public Task CheckAsync(CancellationToken cancellationToken) => inner.CheckAsync(cancellationToken);

    private static long Bytes(TableRow row) => row.Properties.Values.Sum(value => value is ReadOnlyMemory<byte> bytes ? bytes.Length : 8);
}
