using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Dequeue.Contracts;
using Dequeue.Sync.Log.Appending;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Log.Reading;

/// <summary>What a reader wants of whole pages; of one that is cut it gets the events, unless it wants none.</summary>
internal enum PageContent
{
    /// <summary>The events.</summary>
    Opened,

    /// <summary>The content as it is stored.</summary>
    Packed,

    /// <summary>Positions, lengths and digests alone.</summary>
    None,
}

/// <summary>
/// Reads a range of a log while others may append to it and fold its pages. Positions, not pages, tell what was read already,
/// and each page's count of events before it tells that nothing is missing.
/// </summary>
/// <param name="table">Where the log is stored.</param>
/// <param name="log">Its partition.</param>
/// <param name="content">What is wanted of the pages.</param>
internal sealed class PageReader(IPartitionedTable table, string log, PageContent content = PageContent.Opened)
{
    /// <summary>Decompressed pages that wait for the consumer; with the one being made and the one in use, about 4 MB.</summary>
    private const int PagesAhead = 2;

    /// <summary>Rows of the first answer: 16,000 events when the log is packed. Later answers are sized by the rows seen.</summary>
    private const int FirstRows = 16;

    /// <summary>Rows of the first answer when no more than a page's worth is wanted: a page that is cut, a whole one, a spare.</summary>
    private const int FewRows = 3;

    /// <summary>Fewest rows of a later answer.</summary>
    private const int FewestRows = 4;

    /// <summary>Most rows of a later answer: a whole unsealed tail and more.</summary>
    private const int MostRows = 64;

    /// <summary>Compressed bytes that one answer should have: large enough to hide a round trip, small enough to hold two.</summary>
    private const int AnswerBytes = 2 * 1024 * 1024;

    /// <summary>How often a read that met a fold starts anew from its position. A fold takes one transaction, so that a second
    /// try sees it whole; what is still missing then is lost.</summary>
    private const int MaxRetries = 5;

    /// <summary>The events after one position and up to another, in commit order, at most so many.</summary>
    public async IAsyncEnumerable<EventPage> ReadAsync(
        Checkpoint after, Checkpoint through, int maxEvents, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pages = Channel.CreateBounded<EventPage>(new BoundedChannelOptions(PagesAhead) { SingleReader = true, SingleWriter = true });
        var producing = ProduceAsync(after, through, maxEvents, pages.Writer, stop.Token);
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
        Checkpoint after, Checkpoint through, int maxEvents, ChannelWriter<EventPage> pages, CancellationToken cancellationToken)
    {
        // A storage that answers at once would otherwise read everything before the consumer gets the first page.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await ReadInOrderAsync(after, through, maxEvents, pages, cancellationToken);
            pages.Complete();
        }
        catch (Exception e)
        {
            pages.Complete(e);
        }
    }

    private async Task ReadInOrderAsync(
        Checkpoint after, Checkpoint through, int maxEvents, ChannelWriter<EventPage> pages, CancellationToken cancellationToken)
    {
        // Events before the position, once known.
        long? ordinal = after <= Checkpoint.Beginning ? 0 : null;
        var position = after;
        var retries = 0;
        while (position < through && maxEvents > 0)
        {
            var start = position;
            await foreach (var row in RowsAsync(position, isLong: maxEvents > Folding.MaxPageEvents, cancellationToken))
            {
                var page = Decode(row);
                if (page.Last <= position) continue;
                var skip = page.CountThrough(position);
                if (ordinal is { } known && known != page.Before + skip) break;
                var count = Math.Min(page.CountThrough(through) - skip, maxEvents);
                if (count == page.Count) await pages.WriteAsync(page, cancellationToken);
                else if (count > 0) await pages.WriteAsync((content == PageContent.Packed ? PageFormat.Decode(row) : page).Slice(skip, count), cancellationToken);
                (position, ordinal) = (page.Last, page.Before + skip + count);
                maxEvents -= count;
                if (position >= through || maxEvents == 0) return;
            }

            // The rows ended early or left a gap: the log ends here, or a fold came between, or events are lost.
            if (await EndsByAsync(position, cancellationToken)) return;
            retries = position > start ? 0 : retries + 1;
            if (retries > MaxRetries) throw new LogCorruptException($"Events are missing after {position}, where {ordinal} events were read.");
        }
    }

    private EventPage Decode(TableRow row) => content switch
    {
        PageContent.None => PageFormat.DecodeWithoutContent(row),
        PageContent.Packed => PageFormat.DecodePacked(row),
        _ => PageFormat.Decode(row),
    };

    private async Task<bool> EndsByAsync(Checkpoint position, CancellationToken cancellationToken)
        => HeadRow.From(await table.GetAsync(log, LogRows.Head, null, cancellationToken)).Head.Last <= position;

    /// <summary>The page rows after a position; in a long read the next answer is under way while one is used.</summary>
    private async IAsyncEnumerable<TableRow> RowsAsync(Checkpoint position, bool isLong, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var limit = isLong ? FirstRows : FewRows;
        var columns = content == PageContent.None ? PageFormat.PositionColumns : null;
        var next = QueryAsync(LogRows.Page(position.Ticks));
        try
        {
            while (next is not null)
            {
                var answer = await next;
                next = null;
                if (answer.HasMore)
                {
                    limit = (int)Math.Clamp((long)AnswerBytes * answer.Rows.Count / answer.Rows.Sum(TableLimits.SizeOf), FewestRows, MostRows);
                    if (isLong) next = QueryAsync(answer.Rows[^1].Key);
                }

                foreach (var row in answer.Rows) yield return row;
                if (answer.HasMore) next ??= QueryAsync(answer.Rows[^1].Key);
            }
        }
        finally
        {
            // Asked for ahead and not needed: its failure must not stay unobserved.
            await stop.CancelAsync();
            if (next is not null) await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        Task<RowAnswer>? QueryAsync(string afterKey) => table.QueryAsync(log, new RowQuery(afterKey, LogRows.AfterPages, limit) { Columns = columns }, stop.Token);
    }
}
