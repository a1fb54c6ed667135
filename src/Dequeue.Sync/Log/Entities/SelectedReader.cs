using System.Runtime.CompilerServices;
using Dequeue.Contracts;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Log.Entities;

/// <summary>Reads the selected events of a log, or all the others.</summary>
internal sealed class SelectedReader(IPartitionedTable table, string log, EventSelection selection)
{
    /// <summary>Pages read ahead, opened: at most 900 KiB each.</summary>
    private const int PagesAhead = 4;

    /// <summary>The selected events alone, in commit order, put together into pages as large as a page may be.</summary>
    public async IAsyncEnumerable<EventPage> ReadSelectedAsync(
        Checkpoint after, Checkpoint through, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (builder, before, read) = (new PageBuilder(0, 0), 0L, 0);
        await foreach (var page in PagesAsync(after, through, cancellationToken))
        {
            for (var i = page.CountThrough(after); i < page.CountThrough(through); i++)
            {
                if (!selection.Contains(page.CheckpointAt(i))) continue;
                var json = page.EventAt(i).Span;
                if (!builder.Fits(json.Length))
                {
                    yield return builder.Build(before);
                    builder = new PageBuilder(0, 0);
                }

                if (builder.Count == 0) before = page.Before + i;
                builder.Add(page.EventAt(i).Span, page.CheckpointAt(i).Ticks);
                read++;
            }
        }

        if (builder.Count > 0) yield return builder.Build(before);
        if (read == selection.CountBetween(after, through)) yield break;
        var head = HeadRow.From(await table.GetAsync(log, LogRows.Head, null, cancellationToken));
        if (!head.IsErasing && head.ETag is not null) throw new LogCorruptException($"Of {selection.CountBetween(after, through)} selected events {read} are stored.");
    }

    /// <summary>All events but the selected ones, in commit order: a page that holds none of these comes as it is stored.</summary>
    public async IAsyncEnumerable<EventPage> ReadOthersAsync(
        Checkpoint after, Checkpoint through, bool packed, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var reader = new PageReader(table, log, packed ? PageContent.Packed : PageContent.Opened);
        await foreach (var page in reader.ReadAsync(after, through, int.MaxValue, cancellationToken))
        {
            var selected = selection.CountBetween(Checkpoint.FromTicks(page.First.Ticks - 1), page.Last);
            if (selected == 0) yield return page;
            else if (selected < page.Count) yield return Without(page);
        }
    }

    private EventPage Without(EventPage stored)
    {
        var page = Open(stored);
        var builder = new PageBuilder(page.Count, page.Length);
        var before = -1L;
        for (var i = 0; i < page.Count; i++)
        {
            if (selection.Contains(page.CheckpointAt(i))) continue;
            if (builder.Count == 0) before = page.Before + i;
            builder.Add(page.EventAt(i).Span, page.CheckpointAt(i).Ticks);
        }

        return builder.Build(before);
    }

    private static EventPage Open(EventPage stored)
    {
        try
        {
            return stored.Unpack();
        }
        catch (InvalidDataException e)
        {
            throw new LogCorruptException($"The page that ends at {stored.Last} is damaged: {e.Message}.", e);
        }
    }

    /// <summary>The pages that hold selected events: those that are known by their keys, then the rest of the range.</summary>
    private async IAsyncEnumerable<EventPage> PagesAsync(
        Checkpoint after, Checkpoint through, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (pages, restAfter, restThrough) = selection.Places(after, through);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var ahead = new Queue<Task<TableRow?>>();
        try
        {
            for (var next = 0; next < pages.Count || ahead.Count > 0;)
            {
                while (next < pages.Count && ahead.Count < PagesAhead) ahead.Enqueue(table.GetAsync(log, LogRows.Page(pages[next++]), null, stop.Token));
                if (await ahead.Dequeue() is { } row) yield return PageFormat.Decode(row);
            }
        }
        finally
        {
            // Asked for ahead and not needed: a failure must not stay unobserved.
            await stop.CancelAsync();
            foreach (var left in ahead) await ((Task)left).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (restThrough == 0) yield break;
        var rest = new PageReader(table, log).ReadAsync(Checkpoint.FromTicks(restAfter), Checkpoint.FromTicks(restThrough), int.MaxValue, cancellationToken);
        await foreach (var page in rest) yield return page;
    }
}
