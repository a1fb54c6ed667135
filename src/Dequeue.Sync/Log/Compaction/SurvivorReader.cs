using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Dequeue.Contracts;
using Dequeue.Sync.Log.Entities;
using Dequeue.Sync.Log.Reading;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging;

namespace Dequeue.Sync.Log.Compaction;

/// <summary>
/// Reads events that still matter, in commit order: from the runs, where they stand close together, and what is newer from the log.
/// What the runs lack or have damaged comes from the log as well.
/// </summary>
/// <param name="table">Where the log is stored.</param>
/// <param name="log">Its partition.</param>
/// <param name="compactor">Makes damaged runs anew.</param>
/// <param name="logger">Hears of damaged runs.</param>
internal sealed partial class SurvivorReader(IPartitionedTable table, string log, Compactor compactor, ILogger logger)
{
    /// <summary>Pages that wait for the consumer; with the one being made and the one in use, about 4 MB.</summary>
    private const int PagesAhead = 2;

    /// <summary>How often it goes on with other runs because those that it read were merged meanwhile, and removed.</summary>
    private const int MaxTries = 3;

    /// <summary>The selected events of a range, put together into pages as large as may be. They are made while the caller works.</summary>
    /// <param name="selection">Events that matter at the end of the range, or some of them.</param>
    /// <param name="after">Events strictly after this position.</param>
    /// <param name="through">Events up to and with it.</param>
    /// <param name="how">Where they are, and in what form they are wanted.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async IAsyncEnumerable<EventPage> ReadAsync(
        EventSelection selection,
        Checkpoint after,
        Checkpoint through,
        SurvivorReading how,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pages = Channel.CreateBounded<EventPage>(new BoundedChannelOptions(PagesAhead) { SingleReader = true, SingleWriter = true });
        var producing = ProduceAsync(selection, after, through, how, pages.Writer, stop.Token);
        try
        {
            await foreach (var page in pages.Reader.ReadAllAsync(cancellationToken)) yield return page;
        }
        finally
        {
            // A consumer that left early: what was read ahead is dropped. A failure has reached him through the channel.
            await stop.CancelAsync();
            await producing;
        }
    }

    private async Task ProduceAsync(
        EventSelection selection,
        Checkpoint after,
        Checkpoint through,
        SurvivorReading how,
        ChannelWriter<EventPage> pages,
        CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            var gathered = new Gathered(pages, how.IsPacked);
            var position = how.IsInRuns ? await FromRunsAsync(selection, after, through, gathered, cancellationToken) : after;
            await foreach (var page in new SelectedReader(table, log, selection).ReadSelectedAsync(position, through, cancellationToken))
            {
                for (var i = 0; i < page.Count; i++) await gathered.AddAsync(page, i, cancellationToken);
            }

            await gathered.EndAsync(cancellationToken);
            pages.Complete();
        }
        catch (Exception e)
        {
            pages.Complete(e);
        }
    }

    /// <returns>The position up to which the runs were read.</returns>
    private async Task<Checkpoint> FromRunsAsync(
        EventSelection selection, Checkpoint after, Checkpoint through, Gathered gathered, CancellationToken cancellationToken)
    {
        var position = after;
        for (var tries = 0; tries < MaxTries; tries++)
        {
            IReadOnlyList<Run> runs = [];
            try
            {
                runs = RunList.From(await table.GetAsync(log, LogRows.Runs, null, cancellationToken)).Within(through);
                foreach (var run in runs.Where(run => run.Through > position))
                {
                    await foreach (var row in table.ReadRunAsync(log, run, position, withContent: true, cancellationToken))
                        position = await AddAsync(row, selection, position, gathered, cancellationToken);
                }

                return position;
            }
            catch (LogCorruptException e)
            {
                // Else they were merged meanwhile, and removed.
                if (!await table.AreCurrentAsync(log, runs, through, cancellationToken)) continue;
                LogDamaged(logger, e);
                compactor.Renew(log, e);
                return position;
            }
        }

        return position;
    }

    private static async Task<Checkpoint> AddAsync(
        TableRow row, EventSelection selection, Checkpoint position, Gathered gathered, CancellationToken cancellationToken)
    {
        var stored = PageFormat.DecodePacked(row);
        var found = new List<int>(stored.Count);
        for (var i = stored.CountThrough(position); i < stored.Count; i++)
        {
            if (selection.Contains(stored.CheckpointAt(i))) found.Add(i);
        }

        if (found.Count != selection.CountBetween(position, stored.Last))
            throw new LogCorruptException($"The row {row.Key} lacks events that matter.");
        if (found.Count == stored.Count)
        {
            await gathered.AddAsync(stored, PageFormat.Decode(row), cancellationToken);
        }
        else if (found.Count > 0)
        {
            var page = PageFormat.Decode(row);
            foreach (var i in found) await gathered.AddAsync(page, i, cancellationToken);
        }

        return stored.Last;
    }

    [LoggerMessage(808, LogLevel.Warning, "The runs of a log are damaged; a compact read goes on with the history", EventName = "808")]
    private static partial void LogDamaged(ILogger logger, Exception exception);

    /// <summary>Puts events together into pages for the consumer.</summary>
    private sealed class Gathered(ChannelWriter<EventPage> pages, bool packed)
    {
        private PageBuilder? _page;

        /// <summary>Adds one event.</summary>
        public async ValueTask AddAsync(EventPage page, int i, CancellationToken cancellationToken)
        {
            if (_page?.Fits(page.EventAt(i).Length) is false) await EndAsync(cancellationToken);
            (_page ??= new PageBuilder(page.Before + i, page.Count, page.Length)).Add(page, i);
        }

        /// <summary>Adds a whole row: as it is stored.</summary>
        public async ValueTask AddAsync(EventPage stored, EventPage opened, CancellationToken cancellationToken)
        {
            await EndAsync(cancellationToken);
            await pages.WriteAsync(packed ? opened.PackedAs(stored) : opened, cancellationToken);
        }

        /// <summary>Gives out what was gathered.</summary>
        public async ValueTask EndAsync(CancellationToken cancellationToken)
        {
            if (_page is null) return;
            var page = _page.Build();
            _page = null;
            await pages.WriteAsync(packed ? page.PackQuickly() : page, cancellationToken);
        }
    }
}

/// <summary>How events that matter are read.</summary>
/// <param name="IsInRuns">Whether runs have them: not those of types that were to be kept.</param>
/// <param name="IsPacked">Whether the pages are wanted packed as well: whole rows as they are stored, others packed quickly.</param>
internal readonly record struct SurvivorReading(bool IsInRuns, bool IsPacked);
