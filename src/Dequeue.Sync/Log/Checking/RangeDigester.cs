using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Rest;
using Dequeue.Sync.Log.Reading;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Log.Checking;

/// <summary>Digests ranges of a log: from the stored digest where a range is one stored page, else by reading the events.</summary>
internal sealed class RangeDigester(IPartitionedTable table, string log)
{
    public async Task<RangeDigests> DigestAsync(Checkpoint since, IReadOnlyList<Checkpoint> checkpoints, CancellationToken cancellationToken)
    {
        var head = HeadRow.From(await table.GetAsync(log, LogRows.Head, null, cancellationToken)).Head;
        var ranges = Ranges(since, checkpoints, head.Last);
        if (await FindPagesAsync(ranges, cancellationToken) is { } tooMany) return new RangeDigests.TooManyEvents(tooMany);
        return await HashMissingAsync(ranges, cancellationToken);
    }

    /// <summary>The digests of the first pages after a position, as they are stored: their content is not read.</summary>
    /// <param name="since">Where the first one begins; of a page that it falls into the rest is hashed.</param>
    /// <param name="count">How many at most.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<RangeDigests.Known> DigestPagesAsync(Checkpoint since, int count, CancellationToken cancellationToken)
    {
        var head = HeadRow.From(await table.GetAsync(log, LogRows.Head, null, cancellationToken)).Head;
        var ranges = new List<Range>();
        await foreach (var page in new PageReader(table, log, PageContent.None).ReadAsync(since, head.Last, int.MaxValue, cancellationToken))
        {
            ranges.Add(new Range(page.Last, since, page.Last) { Count = page.Count, Digest = page.Digest is { } digest ? Convert.ToHexStringLower(digest.Span) : null });
            since = page.Last;
            if (ranges.Count == count) break;
        }

        return await HashMissingAsync(ranges, cancellationToken);
    }

    private async Task<RangeDigests.Known> HashMissingAsync(List<Range> ranges, CancellationToken cancellationToken)
    {
        for (var i = 0; i < ranges.Count; i++)
        {
            if (ranges[i].Digest is not null) continue;

            // Ranges that share pages are read together.
            var end = i + 1;
            while (end < ranges.Count && ranges[end].Digest is null) end++;
            await HashAsync(ranges.GetRange(i, end - i), cancellationToken);
        }

        return new RangeDigests.Known(ranges.ConvertAll(range => new RangeDigest(range.Checkpoint, range.Count, range.Digest!)));
    }

    private static List<Range> Ranges(Checkpoint since, IReadOnlyList<Checkpoint> checkpoints, Checkpoint last)
    {
        // Up to the head as it is now, so that what is committed meanwhile is in no range.
        var ranges = new List<Range>();
        foreach (var checkpoint in checkpoints)
        {
            var through = checkpoint < last ? checkpoint : last;
            ranges.Add(new Range(checkpoint, since, through < since ? since : through));
            since = ranges[^1].Through;
        }

        return ranges;
    }

    /// <summary>Counts the events of each range and finds those that are one page, without reading content.</summary>
    /// <returns>The checkpoint of a range that has too many; else null.</returns>
    private async Task<Checkpoint?> FindPagesAsync(List<Range> ranges, CancellationToken cancellationToken)
    {
        var reader = new PageReader(table, log, PageContent.None);
        var at = 0;
        await foreach (var page in reader.ReadAsync(ranges[0].After, ranges[^1].Through, int.MaxValue, cancellationToken))
        {
            for (var (done, through) = (0, 0); done < page.Count; done = through)
            {
                while (page.CheckpointAt(done) > ranges[at].Through) at++;
                var range = ranges[at];
                through = page.CountThrough(range.Through);
                range.Digest = range.Count == 0 && through - done == page.Count && page.Digest is { } digest ? Convert.ToHexStringLower(digest.Span) : null;
                if ((range.Count += through - done) > EventLog.MaxRangeEvents) return range.Checkpoint;
            }
        }

        foreach (var empty in ranges.Where(range => range.Count == 0)) empty.Digest = LogHead.Empty.Digest;
        return null;
    }

    private async Task HashAsync(List<Range> ranges, CancellationToken cancellationToken)
    {
        await using var pages = new PageReader(table, log)
            .ReadAsync(ranges[0].After, ranges[^1].Through, int.MaxValue, cancellationToken).GetAsyncEnumerator(cancellationToken);
        var (page, i) = (default(EventPage), 0);
        foreach (var range in ranges)
        {
            using var digest = new EventDigest();
            range.Count = 0;
            while (await NextAsync() is { } e && page!.CheckpointAt(i) <= range.Through)
            {
                digest.Append(e.Span);
                (range.Count, i) = (range.Count + 1, i + 1);
            }

            range.Digest = digest.ToString();
        }

        async ValueTask<ReadOnlyMemory<byte>?> NextAsync()
        {
            if (page is not null && i < page.Count) return page.EventAt(i);
            if (!await pages.MoveNextAsync()) return null;
            (page, i) = (pages.Current, 0);
            return page.EventAt(0);
        }
    }

    private sealed class Range(Checkpoint checkpoint, Checkpoint after, Checkpoint through)
    {
        public Checkpoint Checkpoint { get; } = checkpoint;

        public Checkpoint After { get; } = after;

        public Checkpoint Through { get; } = through;

        public int Count { get; set; }

        public string? Digest { get; set; }
    }
}
