using System.Security.Cryptography;
using System.Text;
using Dequeue.Contracts;
using Dequeue.Contracts.Rest;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Checking;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.Storage.Tests.Log;

/// <summary>Digests of the whole log, of ranges, and of pages.</summary>
public abstract class RangeDigestConformance(ITableFixture fixture)
{
    private static int _users;

    private readonly CountingTable _table = new(fixture.Table);
    private readonly LogKey _key = new(AppId.Parse("digests"), UserId.Parse($"user{Interlocked.Increment(ref _users)}"));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_head_tells_the_digest_of_the_log_whatever_the_pushes()
    {
        var (events, stored) = (TestEvents.Many(1300), new List<StoredEvent>());
        foreach (var count in new[] { 1, 63, 1, 64, 300, 700, 171 })
        {
            var head = (await Open().AppendAsync(_key, events.GetRange(stored.Count, count), Cancel)).Head;
            stored = await Open().ReadAllAsync(_key, Cancel);
            Assert.Equal(Digest(stored), head.Digest);
            Assert.Equal(stored.Sum(e => (long)Encoding.UTF8.GetByteCount(e.Text)), head.Bytes);
            Assert.Equal(head, await Open().ReadHeadAsync(_key, Cancel));
            Assert.Equal(head.Digest, await Open().DigestAsync(_key, Checkpoint.Beginning, head.Last, Cancel));
        }

        Assert.Equal(Digest(stored[100..1200]), await Open().DigestAsync(_key, stored[99].At, stored[1199].At, Cancel));
        Assert.Equal(LogHead.Empty.Digest, await Open().DigestAsync(_key, stored[99].At, stored[99].At, Cancel));
    }

    [Fact]
    public async Task Ranges_that_are_stored_pages_cost_no_content()
    {
        var stored = await PrepareAsync(10_050);
        Checkpoint[] ends = [.. Enumerable.Range(1, 10).Select(i => stored[i * 1000 - 1].At), stored[^1].At];
        var ranges = await RangesAsync(Checkpoint.Beginning, ends);
        Assert.Equal(Expected(stored, Checkpoint.Beginning, ends), ranges);

        // The head, and positions: the last range is one unsealed page. 11 pages are 6 MB of events.
        Assert.Equal((2, 12), (_table.Reads, _table.Rows));
        Assert.True(_table.BytesRead < 100_000, $"{_table.BytesRead} bytes");

        // What is no page costs its own pages alone.
        ends = [.. ends[..4], stored[4500].At, .. ends[4..]];
        Assert.Equal(Expected(stored, Checkpoint.Beginning, ends), await RangesAsync(Checkpoint.Beginning, ends));
        Assert.True(_table.Rows < 40, $"{_table.Rows} rows");
    }

    [Fact]
    public async Task Any_ranges_of_any_log_have_the_digests_of_their_events()
    {
        var stored = await PrepareAsync(1700, pushes: 13);
        var random = new Random(1);
        for (var i = 0; i < 60; i++)
        {
            var positions = Enumerable.Range(0, 3 + random.Next(12)).Select(_ => stored[random.Next(stored.Count)].At)
                .Select(at => random.Next(3) == 0 ? Checkpoint.FromTicks(at.Ticks - 1) : at).Append(stored[999].At).Append(stored[1698].At).Order().ToArray();
            if (random.Next(4) == 0) positions[^1] = Checkpoint.FromTicks(DateTime.MaxValue.Ticks);
            var since = random.Next(2) == 0 ? positions[0] : Checkpoint.Beginning;
            var expected = Expected(stored, since, positions[1..]);
            if (expected.Any(range => range.Count > EventLog.MaxRangeEvents)) continue;
            Assert.Equal(expected, await RangesAsync(since, positions[1..]));
        }
    }

    [Fact]
    public async Task What_is_committed_meanwhile_is_in_no_range()
    {
        var stored = await PrepareAsync(40, pushes: 1);
        var appends = 0;
        var table = new InterruptedTable(fixture.Table, rows: 3) { BetweenAnswers = () => Open().AppendAsync(_key, [TestEvents.One($"late{appends++}")], Cancel) };
        Checkpoint[] ends = [stored[7].At, Checkpoint.FromTicks(DateTime.MaxValue.Ticks)];
        var answer = await new EventLog(table, TimeProvider.System, NullLogger<EventLog>.Instance).DigestRangesAsync(_key, stored[2].At, ends, Cancel);
        Assert.Equal(Expected(stored, stored[2].At, ends), Assert.IsType<RangeDigests.Known>(answer).Ranges);
        Assert.True(appends > 3);
    }

    [Fact]
    public async Task A_range_of_more_than_1000_events_is_refused_by_its_end()
    {
        var stored = await PrepareAsync(2500, pushes: 700);
        Assert.Equal(1000, Assert.Single(await RangesAsync(stored[10].At, stored[1010].At)).Count);
        _table.Reset();
        var answer = await Open(_table).DigestRangesAsync(_key, stored[10].At, [stored[100].At, stored[1101].At, stored[1200].At], Cancel);
        Assert.Equal(new RangeDigests.TooManyEvents(stored[1101].At), answer);
        Assert.True(_table.BytesRead < 50_000, $"{_table.BytesRead} bytes");
    }

    [Fact]
    public async Task Ranges_that_hold_nothing_are_empty()
    {
        Checkpoint[] ends = [Checkpoint.FromTicks(Checkpoint.Beginning.Ticks + 5), Checkpoint.FromTicks(DateTime.MaxValue.Ticks)];
        Assert.Equal(ends.Select(end => new RangeDigest(end, 0, LogHead.Empty.Digest!)), await RangesAsync(Checkpoint.Beginning, ends));
        var stored = await PrepareAsync(3);
        Checkpoint[] twice = [stored[1].At, stored[1].At];
        Assert.Equal(Expected(stored, Checkpoint.Beginning, twice), await RangesAsync(Checkpoint.Beginning, twice));
        Assert.Equal(0, Assert.Single(await RangesAsync(stored[2].At, stored[0].At)).Count);
        Assert.Equal(0, Assert.Single(await RangesAsync(ends[1], ends[1])).Count);
    }

    [Fact]
    public async Task Ends_that_do_not_rise_are_refused()
    {
        var (one, two) = (Checkpoint.FromTicks(1), Checkpoint.FromTicks(2));
        await Assert.ThrowsAsync<ArgumentException>(() => RangesAsync(one, two, one));
        await Assert.ThrowsAsync<ArgumentException>(() => RangesAsync(one));
    }

    [Fact]
    public async Task A_page_as_it_is_stored_tells_its_digest_and_a_slice_does_not()
    {
        var stored = await PrepareAsync(2100);
        foreach (var read in new Func<Checkpoint, IAsyncEnumerable<EventPage>>[] { after => Open().ReadAsync(_key, after, stored[^1].At, Cancel), after => Open().ReadPackedAsync(_key, after, stored[^1].At, Cancel) })
        {
            var pages = await EntityIndexConformance.PagesAsync(read(stored[5].At));
            Assert.Null(pages[0].Digest);
            Assert.Equal(Digest(stored[1000..2000]), Convert.ToHexStringLower(pages[1].Digest!.Value.Span));
        }
    }

    private async Task<List<StoredEvent>> PrepareAsync(int events, int pushes = 1000)
    {
        foreach (var push in TestEvents.Many(events).Chunk(pushes)) await Open().AppendAsync(_key, push, Cancel);
        await fixture.Table.IndexedAsync(_key, Cancel);
        return await Open().ReadAllAsync(_key, Cancel);
    }

    private async Task<IReadOnlyList<RangeDigest>> RangesAsync(Checkpoint since, params Checkpoint[] ends)
    {
        _table.Reset();
        return Assert.IsType<RangeDigests.Known>(await Open(_table).DigestRangesAsync(_key, since, ends, Cancel)).Ranges;
    }

    private static List<RangeDigest> Expected(List<StoredEvent> stored, Checkpoint since, IEnumerable<Checkpoint> ends)
    {
        var expected = new List<RangeDigest>();
        foreach (var end in ends)
        {
            var events = stored.FindAll(e => e.At > since && e.At <= end);
            expected.Add(new RangeDigest(end, events.Count, Digest(events)));
            since = end;
        }

        return expected;
    }

    private static string Digest(IEnumerable<StoredEvent> events)
        => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(events.Select(e => e.Text + "\n")))));

    private EventLog Open(IPartitionedTable? table = null) => new(table ?? fixture.Table, TimeProvider.System, NullLogger<EventLog>.Instance);
}
