using CsCheck;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Appending;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Tests.Log;

public sealed class FoldingTests
{
    [Fact]
    public void The_16th_small_page_folds_15_others()
    {
        List<TailPage> tail = [.. Enumerable.Range(1, 15).Select(i => new TailPage(i, 1, 300))];
        Assert.Equal((0, false), Folding.Plan(tail[..14], 1, 300));
        Assert.Equal((15, false), Folding.Plan(tail, 1, 300));
    }

    [Fact]
    public void A_larger_page_swallows_the_smaller_ones_before_it()
        => Assert.Equal((2, false), Folding.Plan([new TailPage(1, 100, 30_000), new TailPage(2, 3, 900), new TailPage(3, 5, 1500)], 50, 15_000));

    [Fact]
    public void A_tail_that_is_full_is_sealed_whole()
    {
        Assert.Equal((2, true), Folding.Plan([new TailPage(1, 900, 300_000), new TailPage(2, 90, 30_000)], 10, 3000));
        Assert.Equal((1, true), Folding.Plan([new TailPage(1, 13, 13 * 65_000)], 1, 65_000));
    }

    [Fact]
    public void Whatever_the_mix_of_pushes_each_event_is_written_4_times_at_most_and_the_tail_stays_short()
    {
        // A push: events and the bytes of each; many small ones, some large, some of few huge events.
        var push = Gen.OneOf(
            Gen.Select(Gen.Const(1), Gen.Int[100, 900]),
            Gen.Select(Gen.Int[1, 15], Gen.Int[100, 900]),
            Gen.Select(Gen.Int[14, 120], Gen.Int[100, 3000]),
            Gen.Select(Gen.Int[1, 3], Gen.Int[2, EventLog.MaxEventBytes]));
        push.List[1, 3000].Sample(pushes => Run(pushes), iter: 60);
    }

    [Fact]
    public void One_event_pushes_are_the_usual_worst_case()
        => Run([.. Enumerable.Repeat((1, 450), 10_000)]);

    private static void Run(List<(int Events, int Bytes)> pushes)
    {
        var tail = new List<TailPage>();
        var writes = new Dictionary<long, List<int>>();
        var tick = 0L;
        foreach (var (events, bytes) in pushes)
        {
            for (var left = events; left > 0;)
            {
                var room = Folding.Room(tail);
                Assert.True(room.Bytes >= EventLog.MaxEventBytes);
                var count = Math.Min(Math.Min(left, room.Events), (room.Bytes + 1) / (bytes + 1));
                Assert.True(count > 0);
                left -= count;
                var plan = Folding.Plan(tail, count, count * (bytes + 1) - 1);
                Assert.True(2 + plan.Pages + count <= TableLimits.Operations);

                var folded = tail.TakeLast(plan.Pages).ToList();
                tail.RemoveRange(tail.Count - plan.Pages, plan.Pages);
                var page = new TailPage(++tick, count + folded.Sum(p => p.Count), count * (bytes + 1) - 1 + folded.Sum(p => p.Bytes + 1));
                Assert.True(page.Count <= Folding.MaxPageEvents && page.Bytes <= Folding.MaxPageBytes);
                List<int> written = [.. folded.SelectMany(p => writes[p.Tick]), .. Enumerable.Repeat(0, count)];
                writes[page.Tick] = [.. written.Select(times => times + 1)];
                Assert.True(writes[page.Tick].Max() <= Folding.MaxWritesPerEvent);
                if (plan.IsSealed) Assert.Empty(tail);
                else tail.Add(page);
                Assert.True(tail.Count <= Folding.MaxTailPages, $"{tail.Count} pages");
            }
        }
    }
}
