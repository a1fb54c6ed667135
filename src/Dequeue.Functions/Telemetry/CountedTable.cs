using Dequeue.Sync.Storage;

namespace Dequeue.Functions.Telemetry;

/// <summary>A table whose calls are counted, by operation and outcome; the table itself does the work.</summary>
internal sealed class CountedTable(IPartitionedTable table, SyncTelemetry telemetry) : IPartitionedTable, IDisposable
{
    /// <summary>Partitions that begin so are the backend's own, not logs.</summary>
    private const char OwnPartition = '!';

    public Task<TableRow?> GetAsync(string partition, string row, IReadOnlyList<string>? columns, CancellationToken cancellationToken)
        => CountAsync("get", table.GetAsync(partition, row, columns, cancellationToken));

    public Task<RowAnswer> QueryAsync(string partition, RowQuery query, CancellationToken cancellationToken)
        => CountAsync("query", table.QueryAsync(partition, query, cancellationToken));

    public async Task<CommitOutcome> CommitAsync(string partition, IReadOnlyList<RowOperation> operations, CancellationToken cancellationToken)
    {
        var outcome = await CountAsync("commit", table.CommitAsync(partition, operations, cancellationToken));
        if (outcome is CommitOutcome.ConditionNotMet && partition[0] != OwnPartition) telemetry.LogConflict();
        return outcome;
    }

    public Task CheckAsync(CancellationToken cancellationToken) => table.CheckAsync(cancellationToken);

    public void Dispose() => (table as IDisposable)?.Dispose();

    private async Task<T> CountAsync<T>(string operation, Task<T> call)
    {
        try
        {
            var answer = await call;
            telemetry.StorageCalled(operation, answer is CommitOutcome and not CommitOutcome.Committed ? "refused" : "ok");
            return answer;
        }
        catch (StorageUnavailableException failure)
        {
            telemetry.StorageCalled(operation, failure.IsThrottled ? "throttled" : "failed");
            throw;
        }
    }
}
