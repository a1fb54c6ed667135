using System.Text;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Streaming.Deltas;
using Dequeue.Sync.Log.Appending;
using Dequeue.Sync.Log.Reading;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging;

namespace Dequeue.Sync.Log.Compaction;

/// <summary>
/// Finds the events of a range that still matter at its end: from the marks of runs as far as they go, and from the pages after them. The
/// answer depends on the log up to that end alone, whatever was merged since.
/// </summary>
/// <param name="table">Where the log is stored.</param>
/// <param name="log">Its partition.</param>
/// <param name="compactor">Is told when there is more to open than there should be, and makes damaged runs anew.</param>
/// <param name="logger">Hears of damaged runs.</param>
internal sealed partial class SurvivorFinder(IPartitionedTable table, string log, Compactor compactor, ILogger logger)
{
    /// <summary>How often it begins anew because the runs that it read were merged meanwhile, and removed.</summary>
    private const int MaxTries = 3;

    public async Task<EventSelection> FindAsync(
        Checkpoint after, Checkpoint through, IReadOnlyList<string> keep, CancellationToken cancellationToken)
    {
        var (frontier, start) = keep.Count == 0 ? await FromRunsAsync(after, through, cancellationToken) : (new Frontier(), after);
        await AddPagesAsync(frontier, start, through, keep, cancellationToken);
        return new EventSelection(frontier.Survivors(), []);
    }

    /// <returns>What is left of the part of the range that runs have, and where it ends: all of it or nothing.</returns>
    private async Task<(Frontier Frontier, Checkpoint End)> FromRunsAsync(
        Checkpoint after, Checkpoint through, CancellationToken cancellationToken)
    {
        for (var tries = 0; tries < MaxTries; tries++)
        {
            IReadOnlyList<Run> runs = [];
            try
            {
                runs = RunList.From(await table.GetAsync(log, LogRows.Runs, null, cancellationToken)).Within(through);
                var frontier = new Frontier();
                foreach (var run in runs.Where(run => run.Through > after)) await AddAsync(frontier, run, after, cancellationToken);
                return (frontier, runs.Count > 0 && runs[^1].Through > after ? runs[^1].Through : after);
            }
            catch (LogCorruptException e)
            {
                // Else they were merged meanwhile, and removed.
                if (!await table.AreCurrentAsync(log, runs, through, cancellationToken)) continue;
                LogDamaged(logger, e);
                compactor.Renew(log, e);
                break;
            }
        }

        return (new Frontier(), after);
    }

    private async Task AddAsync(Frontier frontier, Run run, Checkpoint after, CancellationToken cancellationToken)
    {
        await foreach (var row in table.ReadRunAsync(log, run, after, withContent: false, cancellationToken))
        {
            var page = PageFormat.DecodeWithoutContent(row);
            var marks = RunRow.Marks(row, page.Count);
            for (var i = page.CountThrough(after); i < page.Count; i++) frontier.Add(marks[i], page.CheckpointAt(i).Ticks);
        }
    }

    private async Task AddPagesAsync(
        Frontier frontier, Checkpoint after, Checkpoint through, IReadOnlyList<string> keep, CancellationToken cancellationToken)
    {
        var kept = keep.Select(Encoding.UTF8.GetBytes).ToList();
        var opened = 0;
        await foreach (var page in new PageReader(table, log).ReadAsync(after, through, int.MaxValue, cancellationToken))
        {
            opened += page.Count == Folding.MaxPageEvents ? 1 : 0;
            for (var i = 0; i < page.Count; i++)
            {
                var subject = EventSubject.Of(page.EventAt(i).Span);
                frontier.Add(EventMark.Of(subject), page.CheckpointAt(i).Ticks, kept.Count > 0 && IsKept(subject.Type, kept));
            }
        }

        if (keep.Count == 0 && opened > Compactor.MergePages) compactor.Start(log);
    }

    private static bool IsKept(ReadOnlySpan<byte> type, List<byte[]> keep)
    {
        var text = new JsonText(type, type.Contains((byte)'\\'));
        foreach (var kept in keep)
        {
            if (text.Equals(kept)) return true;
        }

        return false;
    }

    [LoggerMessage(807, LogLevel.Warning, "The runs of a log are damaged; a compact read looks at the whole history", EventName = "807")]
    private static partial void LogDamaged(ILogger logger, Exception exception);
}
