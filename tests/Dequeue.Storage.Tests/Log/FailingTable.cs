using Dequeue.Sync.Storage;

namespace Dequeue.Storage.Tests.Log;

/// <summary>How a commit fails.</summary>
public enum Failure
{
    None, BeforeTheCommit, AfterTheCommit, CommittedLater,
}

/// <summary>A table whose commits and reads fail as a test says.</summary>
internal sealed class FailingTable(IPartitionedTable inner) : IPartitionedTable
{
    private Func<Task>? _late;

    /// <summary>How the next commits fail, in order; then they succeed.</summary>
    public Queue<Failure> Commits { get; } = new();

    /// <summary>Runs before each commit.</summary>
    public Func<Task> BeforeCommit { get; set; } = () => Task.CompletedTask;

    /// <summary>Runs when a commit has failed, before the caller learns of it.</summary>
    public Func<Task> OnFailure { get; set; } = () => Task.CompletedTask;

    /// <summary>How many reads fail from now on.</summary>
    public int FailingReads { get; set; }

    public Task<TableRow?> GetAsync(string partition, string row, IReadOnlyList<string>? columns, CancellationToken cancellationToken)
        => FailingReads-- > 0 ? throw new StorageUnavailableException() : inner.GetAsync(partition, row, columns, cancellationToken);

    public Task<RowAnswer> QueryAsync(string partition, RowQuery query, CancellationToken cancellationToken)
        => FailingReads-- > 0 ? throw new StorageUnavailableException() : inner.QueryAsync(partition, query, cancellationToken);

    public async Task<CommitOutcome> CommitAsync(string partition, IReadOnlyList<RowOperation> operations, CancellationToken cancellationToken)
    {
        await BeforeCommit();
        var failure = Commits.TryDequeue(out var next) ? next : Failure.None;
        if (failure == Failure.CommittedLater)
        {
            _late = () => inner.CommitAsync(partition, operations, cancellationToken);
        }
        else if (failure != Failure.BeforeTheCommit)
        {
            // A request that was given up arrives only now, just before the one that was sent in its place.
            if (Interlocked.Exchange(ref _late, null) is { } late) await late();
            var outcome = await inner.CommitAsync(partition, operations, cancellationToken);
            if (failure == Failure.None) return outcome;
        }

        await OnFailure();
        throw new StorageUnavailableException();
    }

    public Task CheckAsync(CancellationToken cancellationToken) => inner.CheckAsync(cancellationToken);
}
