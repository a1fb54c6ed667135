namespace Dequeue.Sync.Storage;

/// <summary>
/// A partitioned table with what Azure Table Storage really gives, and no more. Rows live in a partition, ordered by row key
/// (ordinal); one partition is changed by atomic transactions. All members are safe to call concurrently.
/// </summary>
public interface IPartitionedTable
{
    /// <summary>Reads one row.</summary>
    /// <returns>The row with its ETag, or null when there is none.</returns>
    /// <param name="partition">The partition key.</param>
    /// <param name="row">The row key.</param>
    /// <param name="columns">The properties to read; null for all.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="StorageUnavailableException">The storage is throttled, unreachable or too slow.</exception>
    Task<TableRow?> GetAsync(string partition, string row, IReadOnlyList<string>? columns, CancellationToken cancellationToken);

    /// <summary>Reads rows of one partition by row key, ascending.</summary>
    /// <returns>
    /// Up to <see cref="RowQuery.Limit"/> rows. There may be fewer although more match (storage cuts an answer at about
    /// <see cref="TableLimits.AnswerBytes"/>), but never none: continue after the last row's key while
    /// <see cref="RowAnswer.HasMore"/>. Two answers are two reads: the table may change in between.
    /// </returns>
    /// <param name="partition">The partition key.</param>
    /// <param name="query">What to read.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="StorageUnavailableException">The storage is throttled, unreachable or too slow.</exception>
    Task<RowAnswer> QueryAsync(string partition, RowQuery query, CancellationToken cancellationToken);

    /// <summary>Commits operations on distinct rows of one partition in one atomic transaction: all or none.</summary>
    /// <returns>What happened; anything but <see cref="CommitOutcome.Committed"/> changed nothing.</returns>
    /// <param name="partition">The partition key.</param>
    /// <param name="operations">1 to <see cref="TableLimits.Operations"/> operations, within the other limits too.</param>
    /// <param name="cancellationToken">Gives up. The transaction may have been committed all the same.</param>
    /// <exception cref="ArgumentException">A limit of <see cref="TableLimits"/> is passed, or a row is named twice.</exception>
    /// <exception cref="StorageUnavailableException">
    /// Throttled, unreachable or too slow: whether the transaction was committed is unknown.
    /// </exception>
    Task<CommitOutcome> CommitAsync(string partition, IReadOnlyList<RowOperation> operations, CancellationToken cancellationToken);

    /// <summary>Makes sure that the storage answers and that the table is there; of a storage on a disk, that it takes a write. For
    /// health checks.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="StorageUnavailableException">It does not answer.</exception>
    Task CheckAsync(CancellationToken cancellationToken);
}

/// <summary>A range of rows of one partition.</summary>
/// <param name="After">Row keys strictly after this one; empty for the first.</param>
/// <param name="Before">Row keys strictly before this one.</param>
/// <param name="Limit">Most rows in one answer, 1 to <see cref="TableLimits.AnswerRows"/>.</param>
public sealed record RowQuery(string After, string Before, int Limit)
{
    /// <summary>The properties to read; null for all. The row key always comes.</summary>
    public IReadOnlyList<string>? Columns { get; init; }
}

/// <summary>The answer to a <see cref="RowQuery"/>.</summary>
/// <param name="Rows">The rows, ascending by key.</param>
/// <param name="HasMore">True when more rows may match after the last one; then there is at least one row.</param>
public sealed record RowAnswer(IReadOnlyList<TableRow> Rows, bool HasMore);
