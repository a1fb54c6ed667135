using System.Text;
using CsCheck;
using Dequeue.Contracts;
using Dequeue.Sync.Log;
using Dequeue.Sync.Streaming;

namespace Dequeue.Sync.Tests.Streaming;

public sealed class StreamBatchTests
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

        await foreach (var batch in StreamBatch.CutAsync(Source(), new BatchCut(7, 4) { MaxEvents = 2 }, TestContext.Current.CancellationToken))
        {
            Assert.Equal(7, batch.Index);
            Assert.Equal(1, asked);
            break;
        }
    }

    private static async Task<List<StreamBatch>> CutAsync(List<EventPage> pages, int maxEvents, int maxBytes)
    {
        var batches = new List<StreamBatch>();
        await foreach (var batch in StreamBatch.CutAsync(pages.ToAsyncEnumerable(), new BatchCut(0, pages.Sum(page => page.Count)) { MaxEvents = maxEvents, MaxBytes = maxBytes })) batches.Add(batch);
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
