using System.Runtime.CompilerServices;
using Dequeue.Contracts;
using Dequeue.Sync.Log.Reading;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Log.Entities;

/// <summary>Reads the selected events of a log, or all the others.</summary>
internal sealed class SelectedReader(IPartitionedTable table, string log, EventSelection selection)
{
    /// <summary>Pages asked for at once.</summary>
    private const int PagesAhead = 4;

    /// <summary>The selected events alone, in commit order, put together into pages as large as a page may be.</summary>
    public async IAsyncEnumerable<EventPage> ReadSelectedAsync(
        Checkpoint after, Checkpoint through, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (builder, read, expected) = (default(PageBuilder), 0, selection.CountBetween(after, through));
        await foreach (var page in PagesAsync(after, through, cancellationToken))
        {
            var end = page.CountThrough(through);
            for (var i = page.CountThrough(after); i < end; i++)
            {
                if (!selection.Contains(page.CheckpointAt(i))) continue;
                if (builder?.Fits(page.EventAt(i).Length) is false)
                {
                    yield return builder.Build();
                    builder = null;
                }

                (builder ??= new PageBuilder(page.Before + i)).Add(page, i);
                read++;
            }
        }

        if (builder is not null) yield return builder.Build();
        if (read == expected) yield break;

        // A log that was erased meanwhile has none any more.
        var head = HeadRow.From(await table.GetAsync(log, LogRows.Head, null, cancellationToken));
        if (!head.IsErasing && head.ETag is not null) throw new LogCorruptException($"Of {expected} selected events only {read} are stored.");
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
        PageBuilder? builder = null;
        for (var i = 0; i < page.Count; i++)
        {
            if (!selection.Contains(page.CheckpointAt(i))) (builder ??= new PageBuilder(page.Before + i, page.Count, page.Length)).Add(page, i);
        }

        return builder!.Build();
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
