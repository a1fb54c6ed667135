namespace Dequeue.Sync.Storage;

/// <summary>One change of one row within a transaction.</summary>
public abstract record RowOperation
{
    private RowOperation()
    {
    }

    /// <summary>The key of the row that changes.</summary>
    public abstract string RowKey { get; }

    /// <summary>Adds a row that must not exist.</summary>
    /// <param name="Row">The new row.</param>
    public sealed record Insert(TableRow Row) : RowOperation
    {
        /// <inheritdoc/>
        public override string RowKey => Row.Key;
    }

    /// <summary>Replaces all properties of a row that must exist.</summary>
    /// <param name="Row">The row as it shall be.</param>
    /// <param name="ETag">The version that the row must still have; null for any.</param>
    public sealed record Replace(TableRow Row, string? ETag) : RowOperation
    {
        /// <inheritdoc/>
        public override string RowKey => Row.Key;
    }

    /// <summary>Makes a row what it shall be, whether it exists or not.</summary>
    /// <param name="Row">The row as it shall be.</param>
    public sealed record Put(TableRow Row) : RowOperation
    {
        /// <inheritdoc/>
        public override string RowKey => Row.Key;
    }

    /// <summary>Removes a row that must exist.</summary>
    /// <param name="Key">The row's key.</param>
    /// <param name="ETag">The version that the row must still have; null for any.</param>
    public sealed record Delete(string Key, string? ETag = null) : RowOperation
    {
        /// <inheritdoc/>
        public override string RowKey => Key;
    }
}

/// <summary>What became of a transaction.</summary>
public abstract record CommitOutcome
{
    private CommitOutcome()
    {
    }

    /// <summary>Every operation took effect.</summary>
    /// <param name="ETags">The new version of each operation's row, in order; null for a deleted one.</param>
    public sealed record Committed(IReadOnlyList<string?> ETags) : CommitOutcome;

    /// <summary>A row to replace or delete has another version or does not exist. Nothing changed.</summary>
    public sealed record ConditionNotMet : CommitOutcome;

    /// <summary>A row to insert exists already. Nothing changed.</summary>
    /// <param name="Index">Which operation, counted from 0; the first that failed.</param>
    public sealed record AlreadyExists(int Index) : CommitOutcome;
}
