using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.Storage.Tests.Log;

/// <summary>A log knows which one it is, and tells a store that is not of it.</summary>
public abstract class EpochConformance(ITableFixture fixture)
{
    private static int _users;

    private readonly CountingTable _table = new(fixture.Table);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_log_has_an_epoch_from_its_first_event_on_and_another_one_after_an_erase()
    {
        var (log, key, other) = (Open(), NewKey(), NewKey());
        Assert.Null((await log.ReadHeadAsync(key, Cancel)).Epoch);
        var first = await log.AppendAsync(key, TestEvents.Many(97), Cancel);
        await log.AppendAsync(other, TestEvents.Many(1), Cancel);

        var epoch = first.Head.Epoch;
        Assert.True(HistoryClaim.IsEpoch(epoch));
        await log.AppendAsync(key, TestEvents.Many(1500), Cancel);
        Assert.Equal(epoch, (await Open().ReadHeadAsync(key, Cancel)).Epoch);
        Assert.NotEqual(epoch, (await log.ReadHeadAsync(other, Cancel)).Epoch);

        await log.EraseAsync(key, Cancel);
        Assert.Null((await log.ReadHeadAsync(key, Cancel)).Epoch);
        await log.AppendAsync(key, TestEvents.Many(2), Cancel);
        Assert.NotEqual(epoch, (await log.ReadHeadAsync(key, Cancel)).Epoch);
        await log.AssertSoundAsync(key, 2);
    }

    [Fact]
    public async Task A_log_of_an_earlier_version_gets_its_epoch_with_the_next_append_and_may_be_any_until_then()
    {
        var (log, key) = (Open(), NewKey());
        await log.AppendAsync(key, TestEvents.Many(10), Cancel);
        await DropEpochAsync(key, fromItsRow: true);
        var old = await log.ReadHeadAsync(key, Cancel);
        Assert.Null(old.Epoch);
        Assert.True(await log.FitsAsync(key, old, old.Last, new HistoryClaim("any", 10), Cancel));
        Assert.False(await log.FitsAsync(key, old, old.Last, new HistoryClaim("any", 9), Cancel));

        var result = await Open().AppendAsync(key, [TestEvents.One("new")], "any", Cancel);
        Assert.False(result.IsOtherLog);
        Assert.NotNull(result.Head.Epoch);
        Assert.Equal(result.Head.Epoch, (await Open().ReadHeadAsync(key, Cancel)).Epoch);
        await Open().AppendAsync(key, [TestEvents.One("newer")], Cancel);
        Assert.Equal(result.Head.Epoch, (await Open().ReadHeadAsync(key, Cancel)).Epoch);
    }

    [Fact]
    public async Task An_earlier_version_that_drops_the_epoch_from_the_head_does_not_change_it()
    {
        var (log, key) = (Open(), NewKey());
        var epoch = (await log.AppendAsync(key, TestEvents.Many(10), Cancel)).Head.Epoch;
        await DropEpochAsync(key, fromItsRow: false);
        Assert.Null((await log.ReadHeadAsync(key, Cancel)).Epoch);

        Assert.True((await Open().AppendAsync(key, [TestEvents.One("x")], "another", Cancel)).IsOtherLog);
        Assert.Equal(epoch, (await Open().AppendAsync(key, [TestEvents.One("y")], epoch, Cancel)).Head.Epoch);
    }

    [Fact]
    public async Task Events_for_another_log_are_not_stored()
    {
        var (log, key) = (Open(), NewKey());
        Assert.True((await log.AppendAsync(key, TestEvents.Many(3), "gone", Cancel)).IsOtherLog);
        Assert.True((await log.AppendAsync(key, [], "gone", Cancel)).IsOtherLog);
        Assert.Equal(LogHead.Empty, await log.ReadHeadAsync(key, Cancel));

        var head = (await log.AppendAsync(key, TestEvents.Many(3), Cancel)).Head;
        var calls = new[] { "gone", head.Epoch, null, "gone" }.Select((epoch, i) => log.AppendAsync(key, [TestEvents.One($"e{i}")], epoch, Cancel));
        var results = await Task.WhenAll(calls);
        Assert.Equal([true, false, false, true], results.Select(result => result.IsOtherLog));
        Assert.Equal(5, (await log.ReadHeadAsync(key, Cancel)).Count);
        await log.AssertSoundAsync(key, 5);
    }

    [Fact]
    public async Task A_position_is_checked_with_one_row_beside_the_head()
    {
        var (log, key) = (Open(), NewKey());
        foreach (var push in TestEvents.Many(2345).Chunk(90)) await log.AppendAsync(key, push, Cancel);
        var stored = await log.ReadAllAsync(key, Cancel);
        var head = await log.ReadHeadAsync(key, Cancel);
        foreach (var place in new[] { 1, 2, 89, 90, 91, 999, 1000, 1001, 2000, 2300, 2344, 2345 })
        {
            var at = stored[place - 1].At;
            _table.Reset();
            Assert.True(await log.FitsAsync(key, head, at, new HistoryClaim(head.Epoch, place), Cancel));
            Assert.Equal(place == 2345 ? (0, 0) : (1, 1), (_table.Reads, _table.Rows));
            Assert.False(await log.FitsAsync(key, head, at, new HistoryClaim(head.Epoch, place - 1), Cancel));
            Assert.False(await log.FitsAsync(key, head, at, new HistoryClaim("other", place), Cancel));
            var between = Checkpoint.FromTicks(at.Ticks + 1);
            if (place < stored.Count && stored[place].At > between) Assert.False(await log.FitsAsync(key, head, between, new HistoryClaim(null, place), Cancel));
        }

        Assert.True(await log.FitsAsync(key, head, Checkpoint.Beginning, new HistoryClaim(head.Epoch, 0), Cancel));
        Assert.False(await log.FitsAsync(key, head, Checkpoint.Beginning, new HistoryClaim(head.Epoch, 1), Cancel));
        Assert.False(await log.FitsAsync(key, head, Checkpoint.FromTicks(head.Last.Ticks + 1), new HistoryClaim(head.Epoch, null), Cancel));
        Assert.True(await log.FitsAsync(key, head, Checkpoint.FromTicks(head.Last.Ticks + 1), default, Cancel));
        Assert.True(await log.FitsAsync(NewKey(), LogHead.Empty, Checkpoint.Beginning, new HistoryClaim(null, 0), Cancel));
        Assert.False(await log.FitsAsync(NewKey(), LogHead.Empty, Checkpoint.Beginning, new HistoryClaim(head.Epoch, 0), Cancel));
        Assert.False(await log.FitsAsync(NewKey(), LogHead.Empty, head.Last, new HistoryClaim(null, 0), Cancel));
    }

    [Fact]
    public async Task The_digests_of_stored_pages_lead_through_the_whole_log()
    {
        var (log, key) = (Open(), NewKey());
        foreach (var push in TestEvents.Many(1234).Chunk(70)) await log.AppendAsync(key, push, Cancel);
        var stored = await log.ReadAllAsync(key, Cancel);
        foreach (var from in new[] { 0, 1, 500, 1000, 1233, 1234 })
        {
            var (at, since) = (from, from == 0 ? Checkpoint.Beginning : stored[from - 1].At);
            while (await log.DigestPagesAsync(key, since, 2, Cancel) is { Ranges: { Count: > 0 } ranges })
            {
                Assert.True(ranges.Count <= 2);
                foreach (var range in ranges)
                {
                    var events = stored.Skip(at).Take(range.Count).ToList();
                    Assert.Equal(EventDigest.Of(events.Select(e => (ReadOnlyMemory<byte>)System.Text.Encoding.UTF8.GetBytes(e.Text))), range.Digest);
                    Assert.Equal(events[^1].At, range.Checkpoint);
                    (at, since) = (at + range.Count, range.Checkpoint);
                }
            }

            Assert.Equal(stored.Count, at);
        }
    }

    private async Task DropEpochAsync(LogKey key, bool fromItsRow)
    {
        var partition = LogRows.Partition(key);
        var head = (await fixture.Table.GetAsync(partition, LogRows.Head, null, Cancel))!;
        var row = new TableRow(LogRows.Head);
        foreach (var (name, value) in head.Properties.Where(property => property.Key != "u"))
            _ = value is long number ? row.Set(name, number) : value is ReadOnlyMemory<byte> bytes ? row.Set(name, bytes) : row.Set(name, (string)value);
        RowOperation[] operations = [new RowOperation.Replace(row, null), .. fromItsRow ? [new RowOperation.Delete(LogRows.Epoch)] : Array.Empty<RowOperation>()];
        Assert.IsType<CommitOutcome.Committed>(await fixture.Table.CommitAsync(partition, operations, Cancel));
    }

    private EventLog Open() => new(_table, TimeProvider.System, NullLogger<EventLog>.Instance);

    private static LogKey NewKey() => new(AppId.Parse("epochs"), UserId.Parse($"user_{Interlocked.Increment(ref _users)}"));
}
