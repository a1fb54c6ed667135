using System.Text;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Streaming.Deltas;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging;

namespace Dequeue.Sync.Log.Compaction;

/// <summary>
/// Finds the events of a range that still matter at its end: from the marks of runs as far as they go, and from the pages after them. The
/// answer depends on the log up to that end alone, whatever was merged since.
/// </summary>
/// <param name="table">Where the log is stored.</param>
/// <param name="log">Its partition.</param>
/// <param name="compactor">Is told when there is more to open than there should be.</param>
/// <param name="logger">Hears of damaged runs.</param>
internal sealed partial class SurvivorFinder(IPartitionedTable table, string log, Compactor compactor, ILogger logger)
{
    public async Task<EventSelection> FindAsync(Checkpoint after, Checkpoint through, IReadOnlyList<string> keep, CancellationToken cancellationToken)
    {
        if (keep.Count > 0) return await FromAsync(await PagesAsync(new Frontier(), after, through, keep, cancellationToken));
        try
        {
            var runs = RunList.From(await table.GetAsync(log, LogRows.Runs, null, cancellationToken)).Within(through);
            var frontier = new Frontier();
            foreach (var run in runs.Where(run => run.Through > after)) await AddAsync(frontier, run, after, cancellationToken);
            var start = runs.Count > 0 && runs[^1].Through > after ? runs[^1].Through : after;
            return await FromAsync(await PagesAsync(frontier, start, through, keep, cancellationToken));
        }
        catch (LogCorruptException e)
        {
            // If it is the log itself that is damaged, the pages say so again.
            LogDamaged(logger, e);
            compactor.Start(log);
            return await FromAsync(await PagesAsync(new Frontier(), after, through, keep, cancellationToken));
        }

        static Task<EventSelection> FromAsync(Frontier frontier) => Task.FromResult(new EventSelection(frontier.Survivors(), []));
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

    private async Task<Frontier> PagesAsync(
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
        return frontier;
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

    [LoggerMessage(7, LogLevel.Warning, "The runs of a log are damaged; a compact read looks at the whole history")]
    private static partial void LogDamaged(ILogger logger, Exception exception);
}
