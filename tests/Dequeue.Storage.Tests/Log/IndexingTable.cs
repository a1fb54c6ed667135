using Dequeue.Sync.Storage;

namespace Dequeue.Storage.Tests.Log;

/// <summary>A table where the writing of index rows fails or is disturbed.</summary>
internal sealed class IndexingTable(IPartitionedTable inner) : IPartitionedTable
{
    /// <summary>Transactions of index rows that succeed from now on; those after them fail.</summary>
    public int Succeeding { get; set; } = int.MaxValue;

    /// <summary>Whether those that fail take effect all the same.</summary>
    public bool FailsAfterwards { get; set; }

    /// <summary>How many failed.</summary>
    public int Failed { get; private set; }

    /// <summary>Runs before each transaction of index rows.</summary>
    public Func<Task> BeforeIndexing { get; set; } = () => Task.CompletedTask;

    public Task<TableRow?> GetAsync(string partition, string row, IReadOnlyList<string>? columns, CancellationToken cancellationToken)
        => inner.GetAsync(partition, row, columns, cancellationToken);

    public Task<RowAnswer> QueryAsync(string partition, RowQuery query, CancellationToken cancellationToken)
        => inner.QueryAsync(partition, query, cancellationToken);

    public async Task<CommitOutcome> CommitAsync(string partition, IReadOnlyList<RowOperation> operations, CancellationToken cancellationToken)
    {
        if (!operations.OfType<RowOperation.Put>().Any()) return await inner.CommitAsync(partition, operations, cancellationToken);
        await BeforeIndexing();
        if (Succeeding-- > 0) return await inner.CommitAsync(partition, operations, cancellationToken);
        if (FailsAfterwards) await inner.CommitAsync(partition, operations, cancellationToken);
        Failed++;
        throw new StorageUnavailableException();
    }

    public Task CheckAsync(CancellationToken cancellationToken) => inner.CheckAsync(cancellationToken);

    /// <summary>Waits until so many transactions of index rows have failed.</summary>
    public async Task FailedAsync(int count, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Guard.Time);
        while (Failed < count) await Task.Delay(1, timeout.Token);
    }
}
