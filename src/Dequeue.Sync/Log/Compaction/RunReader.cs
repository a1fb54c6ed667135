using System.Runtime.CompilerServices;
using Dequeue.Contracts;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Log.Compaction;

/// <summary>
/// Reads the rows of a run, each of which says where the one before ends: what is missing is noticed before what follows is used.
/// </summary>
internal static class RunReader
{
    /// <summary>Rows of an answer with content; a row may have 1 MiB.</summary>
    private const int ContentRows = 16;

    /// <summary>Rows of an answer without content: some 2 MB.</summary>
    private const int MarkRows = 64;

    /// <summary>The rows that hold events after a position, in order. The next answer is under way while one is used.</summary>
    /// <param name="table">Where they are.</param>
    /// <param name="log">The log's partition.</param>
    /// <param name="run">The run.</param>
    /// <param name="after">The position; before that of the run for all.</param>
    /// <param name="withContent">Whether the content is wanted, beside the marks.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="LogCorruptException">A row is missing or damaged.</exception>
    public static async IAsyncEnumerable<TableRow> ReadRunAsync(
        this IPartitionedTable table,
        string log,
        Run run,
        Checkpoint after,
        bool withContent,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var position = Math.Max(after.Ticks, run.After.Ticks);
        var isFirst = true;
        var next = QueryAsync(LogRows.Run(run.Id, position));
        try
        {
            while (next is not null)
            {
                var answer = await next;
                next = answer.HasMore ? QueryAsync(answer.Rows[^1].Key) : null;
                foreach (var row in answer.Rows)
                {
                    var before = RunRow.After(row);
                    if (isFirst ? before > position : before != position) throw Incomplete(run);
                    (isFirst, position) = (false, LogRows.RunTick(row.Key) ?? throw Incomplete(run));
                    yield return row;
                }
            }
        }
        finally
        {
            // Asked for ahead and not needed: its failure must not stay unobserved.
            await stop.CancelAsync();
            if (next is not null) await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (position != run.Through.Ticks) throw Incomplete(run);

        Task<RowAnswer> QueryAsync(string key)
        {
            var query = new RowQuery(key, LogRows.AfterRun(run.Id), withContent ? ContentRows : MarkRows);
            return table.QueryAsync(log, withContent ? query : query with { Columns = RunRow.MarkColumns }, stop.Token);
        }
    }

    /// <summary>Whether runs that were found damaged or incomplete are still those that are listed: then they are so indeed.</summary>
    public static async Task<bool> AreCurrentAsync(
        this IPartitionedTable table, string log, IReadOnlyList<Run> runs, Checkpoint through, CancellationToken cancellationToken)
    {
        try
        {
            return RunList.From(await table.GetAsync(log, LogRows.Runs, null, cancellationToken)).Within(through).SequenceEqual(runs);
        }
        catch (LogCorruptException)
        {
            return true;
        }
    }

    private static LogCorruptException Incomplete(Run run) => new($"Rows of the run {run.Id} are missing.");
}
