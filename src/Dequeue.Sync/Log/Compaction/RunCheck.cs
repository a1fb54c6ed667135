using System.Globalization;
using System.IO.Hashing;
using System.Runtime.CompilerServices;
using Dequeue.Contracts;
using Dequeue.Sync.Log.Reading;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Log.Compaction;

/// <summary>
/// Verifies the runs of a log against its pages: each has exactly the events of its range that matter at its end, as they stand in the
/// log, with their right marks; and no row belongs to no run. It reads the log once more, and holds 16 bytes an event.
/// </summary>
internal sealed class RunCheck(IPartitionedTable table, string log)
{
    /// <summary>How often it begins anew because runs were merged meanwhile. A log that is so busy is checked another time.</summary>
    private const int MaxTries = 3;

    private static readonly string[] KeysAlone = ["n"];

    /// <returns>What is wrong, one sentence each.</returns>
    public async Task<IReadOnlyList<string>> RunAsync(CancellationToken cancellationToken)
    {
        for (var tries = 0; tries < MaxTries; tries++)
        {
            var row = await table.GetAsync(log, LogRows.Runs, null, cancellationToken);
            var findings = await CheckAsync(row, cancellationToken);
            var now = await table.GetAsync(log, LogRows.Runs, [], cancellationToken);
            if (now?.ETag == row?.ETag) return findings;
        }

        return [];
    }

    private async Task<List<string>> CheckAsync(TableRow? row, CancellationToken cancellationToken)
    {
        var findings = new List<string>();
        try
        {
            var list = RunList.From(row);
            foreach (var run in list.Current.Count > 0 ? list.Current.Union(list.Previous) : [])
            {
                if (await CheckAsync(run, cancellationToken) is { } finding) findings.Add(finding);
            }

            var known = list.Current.Union(list.Previous).Select(static run => run.Id).Append(list.Writing).ToHashSet();
            await foreach (var key in KeysAsync(cancellationToken))
            {
                if (LogRows.RunTick(key) is null || !known.Contains(IdOf(key))) findings.Add($"The row {key} belongs to no run.");
            }
        }
        catch (LogCorruptException e)
        {
            findings.Add(e.Message);
        }

        return findings;
    }

    private static long IdOf(string key) => long.Parse(key.AsSpan(1, 10), NumberStyles.None, CultureInfo.InvariantCulture);

    private async Task<string?> CheckAsync(Run run, CancellationToken cancellationToken)
    {
        try
        {
            var (frontier, hashes) = (new Frontier(), new Dictionary<long, ulong>());
            await foreach (var page in new PageReader(table, log).ReadAsync(run.After, run.Through, int.MaxValue, cancellationToken))
            {
                for (var i = 0; i < page.Count; i++)
                {
                    frontier.Add(EventMark.Of(page.EventAt(i).Span), page.CheckpointAt(i).Ticks);
                    hashes[page.CheckpointAt(i).Ticks] = XxHash3.HashToUInt64(page.EventAt(i).Span);
                }
            }

            var survivors = frontier.Survivors();
            if (survivors.Length != run.Events) return $"The run {run.Id} should have {survivors.Length} events and has {run.Events}.";
            var at = 0;
            await foreach (var row in table.ReadRunAsync(log, run, run.After, withContent: true, cancellationToken))
            {
                var page = PageFormat.Decode(row);
                var marks = RunRow.Marks(row, page.Count);
                for (var i = 0; i < page.Count; i++, at++)
                {
                    var (tick, json) = (page.CheckpointAt(i).Ticks, page.EventAt(i));
                    if (at == survivors.Length || survivors[at] != tick || hashes[tick] != XxHash3.HashToUInt64(json.Span))
                        return $"Row {row.Key} of a run does not hold what the log does.";
                    if (marks[i] != EventMark.Of(json.Span)) return $"Row {row.Key} of a run has a wrong mark.";
                }
            }

            return at == survivors.Length ? null : $"The run {run.Id} lacks {survivors.Length - at} events.";
        }
        catch (LogCorruptException e)
        {
            return e.Message;
        }
    }

    private async IAsyncEnumerable<string> KeysAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var (after, hasMore) = (LogRows.BeforeRuns, true); hasMore;)
        {
            var query = new RowQuery(after, LogRows.AfterRuns, TableLimits.AnswerRows) { Columns = KeysAlone };
            var answer = await table.QueryAsync(log, query, cancellationToken);
            foreach (var row in answer.Rows) yield return after = row.Key;
            hasMore = answer.HasMore;
        }
    }
}
