using Dequeue.Contracts;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Appending;
using Dequeue.Sync.Log.Entities;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.Storage.Tests.Log;

/// <summary>What the layout promises to cost, counted in requests and rows.</summary>
public abstract class CostConformance(ITableFixture fixture)
{
    private const int Events = 10_000;

    private readonly CountingTable _table = new(fixture.Table);

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected static LogKey NewKey(string user) => new(AppId.Parse("cost"), UserId.Parse(user));

    [Fact]
    public async Task A_full_sync_of_10000_events_takes_3_round_trips_and_30_rows()
    {
        var (log, key, events) = (Open(), NewKey("sync"), TestEvents.Many(Events));
        foreach (var push in events.Chunk(370)) await log.AppendAsync(key, push, Cancel);
        await log.SettledAsync(key);
        var (written, pushed) = (_table.PageBytes, events.Sum(e => (long)e.Json.Length));
        var indexing = _table.Committed.Select(operations => operations.OfType<RowOperation.Put>().Select(put => put.Row).ToList()).Where(rows => rows.Count > 0).ToList();
        var commits = _table.Commits - indexing.Count;
        var index = indexing.SelectMany(rows => rows).ToList();

        _table.Reset();
        var head = await log.ReadHeadAsync(key, Cancel);
        Assert.Equal(Events, await log.CountAfterAsync(key, head, Checkpoint.Beginning, Cancel));
        Assert.Equal(Events, (await log.ReadEventsAsync(key, Checkpoint.Beginning, head.Last, Cancel)).Count);
        Assert.True(_table.Reads <= 3, $"{_table.Reads} round trips");
        Assert.True(_table.Rows <= 30, $"{_table.Rows} rows");
        Report($"sync of {Events} events: {_table.Reads} round trips, {_table.Rows} rows; pushed {pushed:N0} bytes in {commits} transactions, {written:N0} bytes of pages written, {_table.BytesRead:N0} stored and read");
        Report($"index: {index.Count} rows in {indexing.Count} transactions, {index.Sum(row => TableLimits.SizeOf(row) - 2L * (TableLimits.KeyChars - LogRows.Partition(key).Length)):N0} bytes in Azure");
    }

    [Fact]
    public async Task A_count_reads_one_row_at_most()
    {
        var (log, key) = (Open(), NewKey("count"));
        await log.AppendAsync(key, TestEvents.Many(1234), Cancel);
        var head = await log.ReadHeadAsync(key, Cancel);
        _table.Reset();
        await log.CountAfterAsync(key, head, Checkpoint.Beginning, Cancel);
        await log.CountAfterAsync(key, head, head.Last, Cancel);
        Assert.Equal(0, _table.Reads);
        await log.CountAfterAsync(key, head, Checkpoint.FromTicks(head.Last.Ticks - 20), Cancel);
        Assert.Equal((1, 1), (_table.Reads, _table.Rows));
    }

    [Fact]
    public async Task A_small_push_takes_one_read_and_one_commit()
    {
        var key = NewKey("push");
        await Open().AppendAsync(key, [TestEvents.One("a")], Cancel);
        _table.Reset();

        // Another process: the first one may still have the head in its hands.
        await Open().AppendAsync(key, [TestEvents.One("b")], Cancel);
        Assert.Equal((1, 1), (_table.Reads, _table.Commits));
    }

    [Fact]
    public async Task A_push_of_1000_events_takes_13_requests_and_pushing_it_again_changes_nothing()
    {
        var (log, key, events) = (Open(), NewKey("thousand"), TestEvents.Many(1000));
        await log.AppendAsync(key, events, Cancel);
        await fixture.Table.IndexedAsync(key, Cancel);

        // The head row does not exist yet, the tail is read when it is sealed, and the sealed page when it is indexed.
        var index = _table.Committed.Sum(operations => operations.OfType<RowOperation.Put>().Count());
        Assert.Equal((3, 11, 11 + (index + 98) / 99), (_table.Reads, _table.Rows, _table.Commits));
        _table.Reset();
        await log.AppendAsync(key, events, Cancel);
        Assert.Equal((1012, 11, 0), (_table.Reads, _table.Commits, _table.Committed.Count));
    }

    [Fact]
    public async Task A_page_of_1000_events_takes_one_answer_of_3_rows()
    {
        var (log, key) = (Open(), NewKey("page"));
        await log.AppendAsync(key, TestEvents.Many(5500), Cancel);
        var head = await log.ReadHeadAsync(key, Cancel);
        foreach (var after in new[] { Checkpoint.Beginning, (await log.ReadAllAsync(key, Cancel))[1500].At })
        {
            _table.Reset();
            var count = 0;
            await foreach (var page in log.ReadAsync(key, after, head.Last, 1000, Cancel)) count += page.Count;
            Assert.Equal((1000, 1, 3), (count, _table.Reads, _table.Rows));
        }
    }

    /// <summary>
    /// What a user sees first: the events of his active stack, wherever they are in his history. Their number counts, and no other.
    /// </summary>
    protected async Task SelectAsync(params int[] lengths)
    {
        foreach (var atEnd in new[] { true, false })
        {
            var costs = new List<(int Reads, int Rows)>();
            foreach (var length in lengths)
            {
                var (log, key) = (Open(), NewKey($"stack-{atEnd}-{length}"));
                var (history, stack) = (TestEvents.Many(length), StackEvents());
                List<NewEvent> events = atEnd ? [.. history[..^40], .. stack, .. history[^40..]] : [.. history[..40], .. stack, .. history[40..]];
                foreach (var push in events.Chunk(1000)) await log.AppendAsync(key, push, Cancel);
                await fixture.Table.IndexedAsync(key, Cancel);

                _table.Reset();
                var head = await log.ReadHeadAsync(key, Cancel);
                var selection = await log.SelectAsync(key, new EntityQuery([], "hot"), Checkpoint.Beginning, head.Last, Cancel);
                var selected = 0;
                await foreach (var page in log.ReadSelectedAsync(key, selection, Checkpoint.Beginning, head.Last, Cancel)) selected += page.Count;
                Assert.Equal((stack.Count, stack.Count), (selection.Count, selected));
                costs.Add((_table.Reads, _table.Rows));
                Report($"{selected} events of a stack with 6 tasks at the {(atEnd ? "end" : "beginning")} of {events.Count}: {_table.Reads} round trips, {_table.Rows} rows, {_table.BytesRead} bytes");
            }

            Assert.All(costs, cost => Assert.Equal(costs[0], cost));
            Assert.True(costs[0].Reads <= 15 && costs[0].Rows <= 25, $"{costs[0]}");
        }
    }

    /// <summary>What matters of histories of one state: what a plan reads, and what runs add to storage.</summary>
    protected async Task CompactAsync(int tasks, params int[] lengths)
    {
        var costs = new List<(int Reads, int Rows)>();
        foreach (var length in lengths)
        {
            var (log, key) = (Open(), NewKey($"compact-{tasks}-{length}"));
            foreach (var push in TestEvents.Many(length, tasks).Chunk(1000)) await log.AppendAsync(key, push, Cancel);
            await log.SettledAsync(key);
            await log.CompactAsync(key, Cancel);
            var head = await log.ReadHeadAsync(key, Cancel);
            _table.Reset();
            var survivors = await Open().SelectSurvivorsAsync(key, Checkpoint.Beginning, head.Last, [], Cancel);
            costs.Add((_table.Reads, _table.Rows));
            var (runs, others) = (await BytesAsync(key, "r"), await BytesAsync(key, "e") + await BytesAsync(key, "i") + await BytesAsync(key, "p"));
            Report($"{survivors.Count} events matter of {length}: a plan takes {_table.Reads} round trips, {_table.Rows} rows; {runs:N0} bytes of runs beside {others:N0} of the log, {(double)runs / others:P1}");
            Assert.True(runs <= 0.3 * others, $"{runs} bytes beside {others}");
            await log.AssertSoundAsync(key, length);
        }

        // Whatever the length: the rows of the state, and the newest pages.
        var most = (tasks / 300) + 2 * Dequeue.Sync.Log.Compaction.Compactor.MergePages + Folding.MaxTailPages;
        Assert.All(costs, cost => Assert.True(cost.Rows <= most && cost.Reads <= 20, $"{cost}"));
    }

    private async Task<long> BytesAsync(LogKey key, string prefix)
    {
        var (partition, bytes) = (LogRows.Partition(key), 0L);
        for (var (after, hasMore) = (prefix, true); hasMore;)
        {
            var answer = await fixture.Table.QueryAsync(partition, new RowQuery(after, prefix + "~", TableLimits.AnswerRows), Cancel);
            bytes += answer.Rows.Sum(row => TableLimits.SizeOf(row) - 2L * (TableLimits.KeyChars - partition.Length));
            hasMore = answer.HasMore;
            if (hasMore) after = answer.Rows[^1].Key;
        }

        return bytes;
    }

    private static List<NewEvent> StackEvents()
        => [.. Enumerable.Range(0, 30).Select(i => TestEvents.One($"hot{i}", i % 3 == 2
            ? $$$"""{"id":"hot{{{i}}}","type":"reminder.created","payload":{"reminderId":"r{{{i}}}","parentId":"task{{{i % 6}}}"}}"""
            : $$$"""{"id":"hot{{{i}}}","type":"task.created","payload":{"taskId":"task{{{i % 18 / 3}}}","stackId":"hot"}}"""))];

    protected static void Report(string line) => TestContext.Current.SendDiagnosticMessage(line);

    protected async Task PushOneByOneAsync(int count)
    {
        var (log, key, events) = (Open(), NewKey("one-by-one"), TestEvents.Many(count));
        var mostPages = 0;
        foreach (var e in events)
        {
            await log.AppendAsync(key, [e], Cancel);
            mostPages = Math.Max(mostPages, HeadRow.From(await fixture.Table.GetAsync(LogRows.Partition(key), LogRows.Head, null, Cancel)).Tail.Count);
        }

        var written = _table.PageEvents / (double)count;
        Assert.True(written <= Folding.MaxWritesPerEvent, $"{written} writes an event");
        Assert.True(mostPages <= Folding.MaxTailPages, $"{mostPages} tail pages");
        var (reads, bytes) = (_table.Reads, _table.PageBytes);

        _table.Reset();
        var head = await log.ReadHeadAsync(key, Cancel);
        Assert.Equal(count, (await log.ReadEventsAsync(key, Checkpoint.Beginning, head.Last, Cancel)).Count);
        Report($"{count} one-event pushes: each event written {written:F2} times, {bytes / (double)events.Sum(e => e.Json.Length):F2} bytes of pages written for each byte pushed, "
            + $"{reads / (double)count:F2} reads a push, at most {mostPages} tail pages; a sync then takes {_table.Reads} round trips and {_table.Rows} rows");
    }

    private EventLog Open() => new(_table, TimeProvider.System, NullLogger<EventLog>.Instance);
}
