using Dequeue.Sync.Storage;

namespace Dequeue.Storage.Tests.Log;

/// <summary>A table that gives few rows at a time, and where something happens after each answer.</summary>
internal sealed class InterruptedTable(IPartitionedTable inner, int rows) : IPartitionedTable
{
    /// <summary>Runs after each answer to a query, before the caller has it.</summary>
    public Func<Task> BetweenAnswers { get; set; } = () => Task.CompletedTask;

    public Task<TableRow?> GetAsync(string partition, string row, IReadOnlyList<string>? columns, CancellationToken cancellationToken)
        => inner.GetAsync(partition, row, columns, cancellationToken);

    public async Task<RowAnswer> QueryAsync(string partition, RowQuery query, CancellationToken cancellationToken)
    {
        var answer = await inner.QueryAsync(partition, query with { Limit = Math.Min(rows, query.Limit) }, cancellationToken);
        await BetweenAnswers();
        return answer;
    }

    public Task<CommitOutcome> CommitAsync(string partition, IReadOnlyList<RowOperation> operations, CancellationToken cancellationToken)
        => inner.CommitAsync(partition, operations, cancellationToken);

    public Task CheckAsync(CancellationToken cancellationToken) => inner.CheckAsync(cancellationToken);
}
