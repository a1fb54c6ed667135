using System.Text;
using CsCheck;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Streaming;

namespace Dequeue.Sync.Tests.Streaming;

public sealed class BatchCutterTests
{
    [Fact]
    public async Task Batches_hold_every_event_once_in_order_within_the_limits_and_the_last_one_alone_says_so()
        => await Gen.Select(Gen.Int[1, 40].Array[1, 12].Array[1, 12], Gen.Int[1, 30], Gen.Int[20, 400], Gen.Bool).SampleAsync(async (sizes, maxEvents, maxBytes, packed) =>
        {
            var pages = Pages(sizes, packed);
            var batches = await CutAsync(pages, maxEvents, maxBytes);

            Assert.Equal(pages.SelectMany(EventsOf), batches.SelectMany(batch => batch.Runs).SelectMany(EventsOf));
            Assert.Equal(Enumerable.Range(0, batches.Count), batches.Select(batch => batch.Index));
            Assert.True(batches[^1].IsLast);
            Assert.All(batches.SkipLast(1), batch => Assert.False(batch.IsLast));
            Assert.Equal(pages[^1].Last, batches[^1].Checkpoint);
            Assert.All(batches, batch =>
            {
                Assert.InRange(batch.Count, 1, maxEvents);
                Assert.True(batch.Count == 1 || batch.Runs.Sum(run => run.Length + 1) <= maxBytes + 1);
            });
        });

    [Fact]
    public async Task A_page_that_fits_a_batch_is_never_split()
    {
        var pages = Pages([[5, 5], [5, 5, 5], [5, 5, 5, 5], [5]]);
        var batches = await CutAsync(pages, 4, 10_000);

        Assert.Equal([2, 3, 4, 1], batches.Select(batch => batch.Count));
        Assert.All(batches, batch => Assert.Single(batch.Runs));
    }

    [Fact]
    public async Task Small_pages_share_a_batch()
    {
        var batches = await CutAsync(Pages([[5], [5], [5], [5], [5]]), 3, 10_000);
        Assert.Equal([3, 2], batches.Select(batch => batch.Count));
    }

    [Fact]
    public async Task A_full_batch_does_not_wait_for_the_next_page()
    {
        var asked = 0;
        async IAsyncEnumerable<EventPage> Source()
        {
            foreach (var page in Pages([[5, 5], [5, 5]]))
            {
                asked++;
                yield return page;
                await Task.Yield();
            }
        }

        await foreach (var batch in new BatchCutter(7, 4) { MaxEvents = 2 }.CutAsync(Source(), TestContext.Current.CancellationToken))
        {
            Assert.Equal(7, batch.Index);
            Assert.Equal(1, asked);
            break;
        }
    }

    [Fact]
    public async Task Pages_that_are_fetched_from_elsewhere_have_batches_of_their_own_and_keep_their_place()
        => await Gen.Select(Gen.Select(Gen.Int[1, 40].Array[1, 6], Gen.Bool).Array[1, 60], Gen.Int[1, 30]).SampleAsync(async (shapes, maxEvents) =>
        {
            var pages = Pages([.. shapes.Select(shape => shape.Item1)]);
            var offered = pages.Zip(shapes, (page, shape) => shape.Item2 ? Offered(page) : page).ToList();

            var batches = await CutAsync(offered, maxEvents, 400);

            Assert.Equal(pages.SelectMany(TicksOf), batches.SelectMany(batch => batch.Runs.Concat(batch.References.Select(reference => pages.Single(page => page.Last == reference.Checkpoint)))).SelectMany(TicksOf));
            Assert.Equal(Enumerable.Range(0, batches.Count), batches.Select(batch => batch.Index));
            Assert.Equal(batches.Select((_, i) => i == batches.Count - 1), batches.Select(batch => batch.IsLast));
            Assert.Equal(pages.Sum(page => page.Count), batches.Sum(batch => batch.Count));
            Assert.All(batches, batch =>
            {
                Assert.True(batch.Runs.Count > 0 != batch.References.Count > 0);
                Assert.InRange(batch.References.Count, 0, StreamLimits.MaxReferences);
                Assert.Equal(batch.LastEvent, batch.Checkpoint);
            });
        });

    [Fact]
    public async Task Sixteen_pages_share_a_batch_of_references_and_no_more()
    {
        var batches = await CutAsync([.. Pages([.. Enumerable.Repeat<int[]>([5, 5], 40)]).Select(Offered)], 2, 10_000);
        Assert.Equal([16, 16, 8], batches.Select(batch => batch.References.Count));
        Assert.Equal([32, 32, 16], batches.Select(batch => batch.Count));
    }

    [Fact]
    public async Task A_packed_page_that_is_too_large_is_cut_all_the_same()
    {
        var page = Pages([[5, 5, 5, 5, 5]])[0];
        var packed = new EventPage(0, page.Pack(), [.. Enumerable.Range(1, 5).Select(i => 8 * i - 1)], [.. TicksOf(page)]);

        var batches = await CutAsync([packed], 2, 10_000);

        Assert.Equal([2, 2, 1], batches.Select(batch => batch.Count));
        Assert.Equal(EventsOf(page), batches.SelectMany(batch => batch.Runs).SelectMany(EventsOf));
    }

    private static EventPage Offered(EventPage page)
        => page.OfferedAs(new PageReference("https://pages.example/" + page.Last.Ticks, page.Last, page.Count, new string('0', 64)));

    private static IEnumerable<long> TicksOf(EventPage page) => Enumerable.Range(0, page.Count).Select(i => page.CheckpointAt(i).Ticks);

    private static async Task<List<StreamBatch>> CutAsync(List<EventPage> pages, int maxEvents, int maxBytes)
    {
        var batches = new List<StreamBatch>();
        await foreach (var batch in new BatchCutter(0, pages.Sum(page => page.Count)) { MaxEvents = maxEvents, MaxBytes = maxBytes }.CutAsync(pages.ToAsyncEnumerable())) batches.Add(batch);
        return batches;
    }

    // Events are strings of the given lengths; ticks count from 1.
    private static List<EventPage> Pages(int[][] sizes, bool packed = false)
    {
        var (pages, tick) = (new List<EventPage>(), 0L);
        foreach (var page in sizes)
        {
            var (json, ends, ticks) = (new StringBuilder(), new List<int>(), new List<long>());
            foreach (var size in page)
            {
                if (json.Length > 0) json.Append(',');
                json.Append('"').Append((char)('a' + tick % 26), size).Append('"');
                ends.Add(json.Length);
                ticks.Add(++tick);
            }

            var content = Encoding.ASCII.GetBytes(json.ToString());
            pages.Add(packed
                ? new EventPage(tick - page.Length, PackedEvents.Pack(content), [.. ends], [.. ticks])
                : new EventPage(tick - page.Length, content, [.. ends], [.. ticks]));
        }

        return pages;
    }

    private static IEnumerable<string> EventsOf(EventPage page)
    {
        var open = page.Unpack();
        return Enumerable.Range(0, open.Count).Select(i => Encoding.ASCII.GetString(open.EventAt(i).Span));
    }
}
