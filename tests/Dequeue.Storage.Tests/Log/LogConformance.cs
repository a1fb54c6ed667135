using System.Text;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Appending;
using Dequeue.Sync.Log.Checking;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Dequeue.Storage.Tests.Log;

/// <summary>The invariants of the event log, the same on every storage.</summary>
public abstract class LogConformance(ITableFixture fixture)
{
    private static int _users;

    protected IPartitionedTable Table { get; } = fixture.Table;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected EventLog Open(TimeProvider? clock = null, IPartitionedTable? table = null)
        => new(table ?? Table, clock ?? TimeProvider.System, NullLogger<EventLog>.Instance);

    protected static LogKey NewKey() => new(AppId.Parse("dequeue"), UserId.Parse($"user_{Interlocked.Increment(ref _users)}"));

    [Fact]
    public async Task A_log_that_nothing_was_pushed_to_is_empty()
    {
        var (log, key) = (Open(), NewKey());
        Assert.Equal(LogHead.Empty, await log.ReadHeadAsync(key, Cancel));
        Assert.Empty(await log.ReadAllAsync(key, Cancel));
        Assert.Equal(0, await log.CountAfterAsync(key, LogHead.Empty, Checkpoint.Beginning, Cancel));
        Assert.True((await log.CheckAsync(key, Cancel)).IsSound);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(98)]
    [InlineData(99)]
    [InlineData(1000)]
    [InlineData(2345)]
    public async Task Events_come_back_in_order_and_byte_for_byte(int count)
    {
        var (log, key, events) = (Open(), NewKey(), TestEvents.Many(count));
        var result = await log.AppendAsync(key, events, Cancel);

        Assert.Equal(0, result.AlreadyStored);
        Assert.Equal(count, result.Committed.Sum(page => page.Count));
        var stored = await log.ReadAllAsync(key, Cancel);
        Assert.Equal(events.Texts(), stored.Select(e => e.Text));
        Assert.Equal(stored, result.Committed.Events());
        Assert.Equal(stored.Select(e => e.At).Order().Distinct(), stored.Select(e => e.At));
        using var digest = new EventDigest();
        foreach (var e in events) digest.Append(e.Json.Span);
        Assert.Equal((count, stored[^1].At, events[^1].Id.Value, events[^1].DeviceTimeMs), (result.Head.Count, result.Head.Last, result.Head.LastEventId, result.Head.LastDeviceTimeMs));
        Assert.Equal((digest.ToString(), events.Sum(e => e.Json.Length)), (result.Head.Digest, result.Head.Bytes));
        Assert.Equal(count >= 1000 ? stored[count / 1000 * 1000 - 1].At : Checkpoint.Beginning, result.Head.SealedThrough);
        Assert.Equal(result.Head, await log.ReadHeadAsync(key, Cancel));
        await log.AssertSoundAsync(key, count);
    }

    [Fact]
    public async Task Unusual_bytes_come_back_as_they_were()
    {
        var (log, key) = (Open(), NewKey());
        string[] texts =
        [
            """{"id":"a","n":1.0,"big":123456789012345678901234567890,"e":1e400,"payload":{"é":"\u00e9 é 😀 \\ \" \/"}}""",
            """{"id":"b","unknown":[null,true,[],{}],"":"","payload":{"a":1,"a":2}}""",
        ];
        await log.AppendAsync(key, [TestEvents.One("a", texts[0]), TestEvents.One("b", texts[1])], Cancel);
        Assert.Equal(texts, (await log.ReadAllAsync(key, Cancel)).Select(e => e.Text));
    }

    [Fact]
    public async Task An_id_is_stored_once_whatever_is_retried()
    {
        var (log, key, events) = (Open(), NewKey(), TestEvents.Many(250));
        await log.AppendAsync(key, events[..120], Cancel);
        var again = await log.AppendAsync(key, [.. events[60..], .. events[200..]], Cancel);

        Assert.Equal(60 + 50, again.AlreadyStored);
        Assert.Equal(events[120..].Texts(), again.Committed.Events().Select(e => e.Text));
        Assert.Equal(events.Texts(), (await log.ReadAllAsync(key, Cancel)).Select(e => e.Text));
        var head = await log.ReadHeadAsync(key, Cancel);
        var third = await log.AppendAsync(key, events, Cancel);
        Assert.Equal((250, 0, head), (third.AlreadyStored, third.Committed.Count, third.Head));
        await log.AssertSoundAsync(key, 250);
    }

    [Fact]
    public async Task Of_two_events_with_one_id_in_a_call_the_first_is_kept()
    {
        var (log, key) = (Open(), NewKey());
        var result = await log.AppendAsync(key, [TestEvents.One("x", """{"id":"x","n":1}"""), TestEvents.One("x", """{"id":"x","n":2}""")], Cancel);
        Assert.Equal(1, result.AlreadyStored);
        Assert.Equal(["""{"id":"x","n":1}"""], (await log.ReadAllAsync(key, Cancel)).Select(e => e.Text));
    }

    [Fact]
    public async Task Order_holds_when_the_clock_goes_back_or_far_ahead()
    {
        var (clock, key, events) = (new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56)), NewKey(), TestEvents.Many(40));
        for (var i = 0; i < events.Count; i++)
        {
            // Another process has another clock: an hour behind, a century ahead, then behind again.
            clock.AdjustTime(DateTimeOffset.UnixEpoch.AddYears(56 + (i == 20 ? 100 : 0)).AddHours(-i));
            await Open(clock).AppendAsync(key, [events[i]], Cancel);
        }

        var stored = await Open().ReadAllAsync(key, Cancel);
        Assert.Equal(events.Texts(), stored.Select(e => e.Text));
        for (var i = 1; i < stored.Count; i++) Assert.True(stored[i].At > stored[i - 1].At);
        await Open().AssertSoundAsync(key, 40);
    }

    [Fact]
    public async Task Counts_and_reads_are_exact_from_every_checkpoint()
    {
        var (log, key, events) = (Open(), NewKey(), TestEvents.Many(333));
        foreach (var push in events.Chunk(7)) await log.AppendAsync(key, push, Cancel);
        var (head, stored) = (await log.ReadHeadAsync(key, Cancel), await log.ReadAllAsync(key, Cancel));
        for (var i = 0; i < stored.Count; i += 5)
        {
            Assert.Equal(332 - i, await log.CountAfterAsync(key, head, stored[i].At, Cancel));
            Assert.Equal(333 - i, await log.CountAfterAsync(key, head, Checkpoint.FromTicks(stored[i].At.Ticks - 1), Cancel));
            Assert.Equal(stored[(i + 1)..], await log.ReadEventsAsync(key, stored[i].At, head.Last, Cancel));
            Assert.Equal(stored[..(i + 1)], await log.ReadEventsAsync(key, Checkpoint.Beginning, stored[i].At, Cancel));
        }

        Assert.Equal(0, await log.CountAfterAsync(key, head, head.Last, Cancel));
        Assert.Equal(0, await log.CountAfterAsync(key, head, Checkpoint.FromTicks(DateTime.MaxValue.Ticks), Cancel));
        Assert.Equal(333, await log.CountAfterAsync(key, head, Checkpoint.FromTicks(0), Cancel));
        Assert.Equal(stored, await log.ReadEventsAsync(key, Checkpoint.FromTicks(0), Checkpoint.FromTicks(DateTime.MaxValue.Ticks), Cancel));
    }

    [Fact]
    public async Task Pages_of_any_limit_give_the_same_events()
    {
        var (log, key, events) = (Open(), NewKey(), TestEvents.Many(1500));
        await log.AppendAsync(key, events[..1200], Cancel);
        foreach (var push in events[1200..].Chunk(11)) await log.AppendAsync(key, push, Cancel);
        foreach (var limit in new[] { 97, 1000, 1001 }) Assert.Equal(events.Texts(), (await log.ReadPagesAsync(key, limit, Cancel)).Select(e => e.Text));
    }

    [Fact]
    public async Task A_reader_whose_pages_are_folded_between_two_answers_misses_and_repeats_nothing()
    {
        // Answers of 2 rows, and between any two of them 5 pushes, so that each kind of fold comes between somewhere.
        var table = new InterruptedTable(Table, rows: 2);
        var (log, other, key, events) = (Open(table: table), Open(), NewKey(), TestEvents.Many(900));
        var next = 0;
        for (; next < 150; next++) await other.AppendAsync(key, [events[next]], Cancel);
        table.BetweenAnswers = async () =>
        {
            for (var i = 0; i < 5 && next < events.Count; i++, next++) await other.AppendAsync(key, [events[next]], Cancel);
        };
        for (var since = Checkpoint.Beginning; next < 700; since = Checkpoint.FromTicks((await other.ReadAllAsync(key, Cancel))[next / 2].At.Ticks))
        {
            var head = await log.ReadHeadAsync(key, Cancel);
            var expected = await other.ReadEventsAsync(key, since, head.Last, Cancel);
            Assert.Equal(expected, await log.ReadEventsAsync(key, since, head.Last, Cancel));
        }

        await other.AssertSoundAsync(key, next);
    }

    [Fact]
    public async Task A_page_of_900_KB_that_cannot_be_compressed_fits()
    {
        var (log, key, random) = (Open(), NewKey(), new Random(3));
        var events = Enumerable.Range(0, 40).Select(i => TestEvents.Sized($"big{i}", EventLog.MaxEventBytes, random)).ToList();
        await log.AppendAsync(key, events, Cancel);
        foreach (var small in Enumerable.Range(0, 20)) await log.AppendAsync(key, [TestEvents.Sized($"small{small}", 1000 + small, random)], Cancel);
        Assert.Equal(events.Texts(), (await log.ReadAllAsync(key, Cancel)).Take(40).Select(e => e.Text));
        await log.AssertSoundAsync(key, 60);
    }

    [Fact]
    public async Task One_page_of_only_random_bytes_is_stored_within_a_row()
    {
        var random = new Random(4);
        var json = new byte[Folding.MaxPageBytes];
        random.NextBytes(json);
        int[] ends = [.. Enumerable.Range(1, 999).Select(i => i * 900), json.Length];
        var ticks = Enumerable.Range(1, 1000).Select(i => Checkpoint.Beginning.Ticks + i * (1L << 51)).ToArray();
        var row = PageFormat.Encode(new EventPage(long.MaxValue - 1000, json, ends, ticks));
        Assert.True(TableLimits.SizeOf(row) < TableLimits.RowBytes);

        var partition = LogRows.Partition(NewKey());
        Assert.IsType<CommitOutcome.Committed>(await Table.CommitAsync(partition, [new RowOperation.Insert(row)], Cancel));
        var read = PageFormat.Decode((await Table.GetAsync(partition, row.Key, null, Cancel))!);
        Assert.True(json.AsSpan().SequenceEqual(read.Json.Span));
    }

    [Fact]
    public async Task Concurrent_appends_share_transactions_and_each_learns_its_own_events()
    {
        var table = new CountingTable(Table);
        var (log, key, events) = (Open(table: table), NewKey(), TestEvents.Many(300));
        var results = await Task.WhenAll(events.Select(e => log.AppendAsync(key, [e], Cancel)));

        Assert.True(table.Commits < 100, $"{table.Commits} transactions for 300 appends");
        for (var i = 0; i < events.Count; i++)
        {
            var page = Assert.Single(results[i].Committed);
            Assert.Equal(Encoding.UTF8.GetString(events[i].Json.Span), Encoding.UTF8.GetString(page.Json.Span));
            Assert.True(results[i].Head.Last >= page.Last);
        }

        Assert.Equal(300, (await log.ReadAllAsync(key, Cancel)).Count);
        await log.AssertSoundAsync(key, 300);
    }

    [Fact]
    public async Task An_event_that_two_callers_push_at_once_is_stored_once()
    {
        var (key, events) = (NewKey(), TestEvents.Many(50));
        EventLog[] logs = [Open(), Open(), Open()];
        var results = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => logs[i % 3].AppendAsync(key, events, Cancel)));
        Assert.Equal(50, results.Sum(result => result.Committed.Sum(page => page.Count)));
        Assert.Equal(11 * 50, results.Sum(result => result.AlreadyStored));
        await logs[0].AssertSoundAsync(key, 50);
    }

    [Fact]
    public async Task Logs_without_a_common_queue_lose_and_double_nothing()
    {
        var (key, events) = (NewKey(), TestEvents.Many(240));
        var logs = Enumerable.Range(0, 4).Select(_ => Open()).ToArray();
        await Task.WhenAll(events.Chunk(3).Select((push, i) => logs[i % 4].AppendAsync(key, push, Cancel)));
        var stored = await logs[0].ReadAllAsync(key, Cancel);
        Assert.Equal(events.Texts().Order(StringComparer.Ordinal), stored.Select(e => e.Text).Order(StringComparer.Ordinal));
        await logs[0].AssertSoundAsync(key, 240);
    }

    [Fact]
    public async Task A_caller_who_gave_up_before_his_turn_leaves_nothing_and_others_are_not_disturbed()
    {
        var (log, key, events) = (Open(), NewKey(), TestEvents.Many(3));
        using var gaveUp = new CancellationTokenSource();
        await gaveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => log.AppendAsync(key, [events[0]], gaveUp.Token));
        await Task.WhenAll(log.AppendAsync(key, [events[1]], Cancel), log.AppendAsync(key, [events[2]], Cancel));
        Assert.Equal(2, (await log.ReadAllAsync(key, Cancel)).Count);
    }

    [Fact]
    public async Task An_event_that_is_too_large_or_empty_is_refused_and_nothing_changes()
    {
        var (log, key) = (Open(), NewKey());
        await Assert.ThrowsAsync<ArgumentException>(() => log.AppendAsync(key, [TestEvents.One("a"), TestEvents.Sized("b", EventLog.MaxEventBytes + 1, new Random(1))], Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => log.AppendAsync(key, [TestEvents.One("c", "")], Cancel));
        Assert.Equal(LogHead.Empty, await log.ReadHeadAsync(key, Cancel));
    }

    [Fact]
    public async Task No_log_can_be_seen_from_another()
    {
        var log = Open();
        LogKey[] keys = [new(AppId.Parse("a"), UserId.Parse("b:c")), new(AppId.Parse("a"), UserId.Parse("b~3Ac")), new(AppId.Parse("a"), UserId.Parse("B:c")), new(AppId.Parse("A"), UserId.Parse("b:c"))];
        for (var i = 0; i < keys.Length; i++) await log.AppendAsync(keys[i], [TestEvents.One($"only{i}")], Cancel);
        for (var i = 0; i < keys.Length; i++) Assert.Contains($"only{i}", Assert.Single(await log.ReadAllAsync(keys[i], Cancel)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_erased_log_is_gone_and_can_begin_anew()
    {
        var (log, key, other, events) = (Open(), NewKey(), NewKey(), TestEvents.Many(450));
        await log.AppendAsync(key, events, Cancel);
        await log.AppendAsync(other, events[..10], Cancel);
        Assert.True(await log.EraseAsync(key, Cancel) > 450);
        Assert.Equal(0, await log.EraseAsync(key, Cancel));
        Assert.Empty(await log.ReadAllAsync(key, Cancel));
        Assert.Empty((await Table.QueryAsync(LogRows.Partition(key), new RowQuery("", "~", 10), Cancel)).Rows);

        await log.AppendAsync(key, events[..5], Cancel);
        await log.AssertSoundAsync(key, 5);
        await log.AssertSoundAsync(other, 10);
    }
}
