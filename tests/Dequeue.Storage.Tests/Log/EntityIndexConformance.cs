using CsCheck;
using Dequeue.Contracts;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Appending;
using Dequeue.Sync.Log.Entities;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.Storage.Tests.Log;

/// <summary>The events of some entities first, the others later: none is lost or doubled, however far the index is.</summary>
public abstract class EntityIndexConformance(ITableFixture fixture)
{
    private static int _users;

    private readonly LogKey _key = NewKey();

    protected abstract int Histories { get; }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Partition => LogRows.Partition(_key);

    [Fact]
    public Task Selected_and_others_make_up_the_log_and_the_selected_are_those_that_the_rules_name()
        => Gen.Int[0, 1_000_000].SampleAsync(async seed => await RunAsync(new Random(seed)), iter: Histories, threads: 1);

    [Fact]
    public async Task Readers_are_right_while_others_append_and_index()
    {
        var (log, random, done) = (Open(fixture.Table), new Random(5), false);
        await log.AppendAsync(_key, Events(0, 60, random, 40_000), Cancel);
        var reading = ReadAsync();
        for (var i = 60; i < 400; i += 4) await log.AppendAsync(_key, Events(i, 4, random, 40_000), Cancel);
        done = true;
        Assert.True(await reading > 0);

        async Task<int> ReadAsync()
        {
            var (other, questions) = (Open(fixture.Table), new Random(6));
            var reads = 0;
            for (; !done; reads++)
            {
                await Task.Delay(1, Cancel);
                var head = await other.ReadHeadAsync(_key, Cancel);
                await AssertRightAsync(other, _key, EntityEvents.Query(questions), Checkpoint.Beginning, head.Last, await other.ReadEventsAsync(_key, Checkpoint.Beginning, head.Last, Cancel));
            }

            return reads;
        }
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(0, true)]
    [InlineData(2, true)]
    public async Task A_process_that_stops_between_seal_and_index_leaves_a_right_log_and_the_next_append_goes_on(int succeeding, bool takesEffect)
    {
        var table = new IndexingTable(fixture.Table) { Succeeding = succeeding, FailsAfterwards = takesEffect };
        var events = TestEvents.Many(1010);
        var result = await Open(table).AppendAsync(_key, events[..1000], Cancel);
        Assert.Equal(1000, result.Head.Count);
        await table.FailedAsync(1, Cancel);
        Assert.False((await HeadAsync()).IsIndexed);

        var (log, query) = (Open(fixture.Table), new EntityQuery([], result.Head.ActiveStackId));
        Assert.NotNull(query.ActiveStackId);
        var stored = await log.ReadAllAsync(_key, Cancel);
        var before = await AssertRightAsync(log, _key, query, Checkpoint.Beginning, result.Head.Last, stored);
        Assert.NotEmpty(before);
        await log.AssertSoundAsync(_key, 1000);

        await log.AppendAsync(_key, events[1000..], Cancel);
        await fixture.Table.IndexedAsync(_key, Cancel);
        Assert.Equal(result.Head.SealedThrough, (await HeadAsync()).Indexed);
        Assert.Equal(before, await AssertRightAsync(log, _key, query, Checkpoint.Beginning, result.Head.Last, stored));
        await log.AssertSoundAsync(_key, 1010);
    }

    [Fact]
    public async Task A_process_that_appends_meanwhile_does_not_keep_a_page_from_being_indexed()
    {
        // One that appends alone and never gets to index.
        var (other, appended) = (Open(new IndexingTable(fixture.Table) { Succeeding = 0 }), 0);
        var table = new IndexingTable(fixture.Table)
        {
            BeforeIndexing = async () =>
            {
                // Each transaction loses its race once.
                if (appended % 2 == 0) await other.AppendAsync(_key, [TestEvents.One($"other{appended}")], Cancel);
                appended++;
            },
        };
        await Open(table).AppendAsync(_key, TestEvents.Many(1000), Cancel);
        await fixture.Table.IndexedAsync(_key, Cancel);
        Assert.Equal(8, appended);
        await other.AssertSoundAsync(_key, 1000 + 4);
    }

    [Fact]
    public async Task A_log_that_is_erased_while_it_is_indexed_leaves_nothing_behind()
    {
        var other = Open(fixture.Table);
        var indexing = new TaskCompletionSource();
        var erased = new TaskCompletionSource();
        var table = new IndexingTable(fixture.Table)
        {
            Succeeding = 1,
            BeforeIndexing = async () =>
            {
                await other.EraseAsync(_key, Cancel);
                indexing.TrySetResult();
                await erased.Task;
            },
        };
        await Open(table).AppendAsync(_key, TestEvents.Many(1000), Cancel);
        await indexing.Task.WaitAsync(Cancel);
        erased.SetResult();

        // The log begins anew and is indexed anew: the transaction from before the erase has long been refused.
        table.BeforeIndexing = () => Task.CompletedTask;
        await Open(fixture.Table).AppendAsync(_key, TestEvents.Many(5), Cancel);
        Assert.Empty((await fixture.Table.QueryAsync(Partition, new RowQuery(LogRows.BeforeEntities, LogRows.AfterEntities, 9), Cancel)).Rows);
        await other.AssertSoundAsync(_key, 5);
    }

    [Fact]
    public async Task A_log_that_an_older_version_wrote_is_read_rightly_and_indexed_page_by_page()
    {
        var (log, random) = (Open(new IndexingTable(fixture.Table) { Succeeding = 0 }), new Random(7));
        await log.AppendAsync(_key, Events(0, 120, random, 40_000), Cancel);
        await ForgetAsync(_key);
        var stored = await log.ReadAllAsync(_key, Cancel);
        var head = await log.ReadHeadAsync(_key, Cancel);
        Assert.Equal((120, null, null, Checkpoint.Beginning, null), (head.Count, head.Digest, head.Bytes, head.SealedThrough, head.ActiveStackId));

        var (query, now) = (new EntityQuery(["o1"], "s1"), Open(fixture.Table));
        var before = await AssertRightAsync(now, _key, query, stored[3].At, stored[100].At, stored);
        var appends = 0;
        for (; appends == 0 || !(await HeadAsync()).IsIndexed || head.SealedThrough == Checkpoint.Beginning; appends++)
        {
            Assert.True(appends < 60, "It is not done after 60 appends.");
            head = (await now.AppendAsync(_key, Events(120 + appends, 1, random, 40_000), Cancel)).Head;
        }

        Assert.True(appends > 3);
        Assert.Null(head.Digest);
        Assert.Equal(before, await AssertRightAsync(now, _key, query, stored[3].At, stored[100].At, stored));
        await now.AssertSoundAsync(_key, 120 + appends);
    }

    [Fact]
    public async Task Ranges_and_questions_at_the_edge()
    {
        var (log, random) = (Open(fixture.Table), new Random(8));
        var query = new EntityQuery(["s1", "s1", new string('x', 300), "\ud800", ""], null);
        Assert.Equal(0, (await log.SelectAsync(_key, query, Checkpoint.Beginning, Checkpoint.FromTicks(DateTime.MaxValue.Ticks), Cancel)).Count);
        await log.AppendAsync(_key, Events(0, 30, random, 10), Cancel);
        var (head, stored) = (await log.ReadHeadAsync(_key, Cancel), await log.ReadAllAsync(_key, Cancel));
        Assert.Equal(0, (await log.SelectAsync(_key, query, head.Last, head.Last, Cancel)).Count);
        Assert.Equal(0, (await log.SelectAsync(_key, query, head.Last, Checkpoint.Beginning, Cancel)).Count);
        Assert.Equal(0, (await log.SelectAsync(_key, new EntityQuery([], null), Checkpoint.Beginning, head.Last, Cancel)).Count);
        await AssertRightAsync(log, _key, query, Checkpoint.FromTicks(0), Checkpoint.FromTicks(DateTime.MaxValue.Ticks), stored);

        // A part of the range, as when a durable step ends in the middle.
        var selection = await log.SelectAsync(_key, query, Checkpoint.Beginning, head.Last, Cancel);
        var part = await PagesAsync(log.ReadSelectedAsync(_key, selection, stored[4].At, stored[20].At, Cancel));
        Assert.Equal(stored.Concerned(query, stored[4].At, stored[20].At), part.Events());
        Assert.Equal(selection.CountBetween(stored[4].At, stored[20].At), part.Sum(page => page.Count));
        Assert.Equal(0, selection.CountBetween(stored[20].At, stored[4].At));
    }

    [Fact]
    public async Task The_tasks_that_a_stack_named_last_count()
    {
        var log = Open(fixture.Table);
        const int tasks = EntityQuery.MaxTasks + 10;
        NewEvent Task(string id, int task, string parent) => TestEvents.One(id, $$$"""{"id":"{{{id}}}","type":"{{{(parent == "stack" ? "task.created" : "reminder.created")}}}","payload":{"{{{parent}}}Id":"stack","taskId":"task{{{task}}}"}}""");
        await log.AppendAsync(_key, [.. Enumerable.Range(0, tasks).Select(i => Task($"a{i}", i, "stack"))], Cancel);
        await log.AppendAsync(_key, [.. Enumerable.Range(0, tasks).Select(i => TestEvents.One($"b{i}", $$$"""{"id":"b{{{i}}}","type":"reminder.created","payload":{"parentId":"task{{{i}}}"}}"""))], Cancel);
        await log.AppendAsync(_key, [Task("again", 0, "stack")], Cancel);
        var head = await log.ReadHeadAsync(_key, Cancel);
        var selection = await log.SelectAsync(_key, new EntityQuery([], "stack"), Checkpoint.Beginning, head.Last, Cancel);
        var ids = (await PagesAsync(log.ReadSelectedAsync(_key, selection, Checkpoint.Beginning, head.Last, Cancel))).Events().Select(e => e.IdOf()).ToList();
        Assert.Equal(tasks + EntityQuery.MaxTasks + 1, ids.Count);
        Assert.Contains("b0", ids);
        Assert.DoesNotContain("b1", ids);
        Assert.DoesNotContain("b10", ids);
        Assert.Contains("b11", ids);
    }

    [Fact]
    public async Task The_head_names_the_active_stack_in_commit_order()
    {
        var (log, random) = (Open(fixture.Table), new Random(9));
        var events = Events(0, 300, random, 10);
        for (var i = 0; i < events.Count;)
        {
            var push = events.Skip(i).Take(1 + random.Next(12)).ToList();
            var head = (await log.AppendAsync(_key, push, Cancel)).Head;
            i += push.Count;
            Assert.Equal(EntityEvents.ActiveStack(events.Take(i)), head.ActiveStackId);
            Assert.Equal(head, await log.ReadHeadAsync(_key, Cancel));
        }
    }

    /// <summary>Reads what a question selects, and the rest, in both ways.</summary>
    internal static async Task<List<StoredEvent>> AssertRightAsync(
        EventLog log, LogKey key, EntityQuery query, Checkpoint after, Checkpoint through, List<StoredEvent> stored)
    {
        var selection = await log.SelectAsync(key, query, after, through, Cancel);
        var expected = stored.Concerned(query, after, through);
        var selected = await PagesAsync(log.ReadSelectedAsync(key, selection, after, through, Cancel));
        Assert.Equal(expected, selected.Events());
        Assert.Equal(expected.Count, selection.Count);
        foreach (var packed in new[] { false, true })
        {
            var others = await PagesAsync(log.ReadOthersAsync(key, selection, after, through, packed, Cancel));
            var range = stored.FindAll(e => e.At > after && e.At <= through);
            Assert.Equal(range.Except(expected), others.Select(page => page.Unpack()).Events());
        }

        foreach (var page in selected) Assert.True(page.Count <= Folding.MaxPageEvents && page.Length <= Folding.MaxPageBytes);
        return expected;
    }

    internal static async Task<List<EventPage>> PagesAsync(IAsyncEnumerable<EventPage> pages)
    {
        var read = new List<EventPage>();
        await foreach (var page in pages.WithCancellation(Cancel)) read.Add(page);
        return read;
    }

    private async Task RunAsync(Random random)
    {
        var (key, table, next) = (NewKey(), new IndexingTable(fixture.Table), 0);
        EventLog[] logs = [Open(table), Open(fixture.Table)];
        var known = new List<(EntityQuery Query, Checkpoint After, Checkpoint Through, List<StoredEvent> Found)>();
        var padding = random.Next(3) switch { 0 => 100, 1 => 5_000, _ => 60_000 };
        for (var turn = 0; turn < 6; turn++)
        {
            table.Succeeding = random.Next(4) switch { 0 => 0, 1 => random.Next(4), _ => int.MaxValue };
            for (var pushes = random.Next(12); pushes >= 0; pushes--)
            {
                var count = 1 + random.Next(random.Next(2) == 0 ? 5 : 60);
                await logs[random.Next(2)].AppendAsync(key, Events(next, count, random, padding), Cancel);
                next += count;
            }

            if (random.Next(8) == 0) await ForgetAsync(key);
            var stored = await logs[1].ReadAllAsync(key, Cancel);
            for (var i = 0; i < 4; i++)
            {
                var (after, through) = (stored[random.Next(stored.Count)].At, stored[random.Next(stored.Count)].At);
                if (random.Next(2) == 0) after = Checkpoint.Beginning;
                var query = EntityEvents.Query(random);
                known.Add((query, after, through, await AssertRightAsync(logs[1], key, query, after, through, stored)));
            }

            // Whatever was appended, folded and indexed since: the same answer as before.
            foreach (var (query, after, through, found) in random.GetItems(known.ToArray(), 3)) Assert.Equal(found, await AssertRightAsync(logs[0], key, query, after, through, stored));
        }

        await logs[1].AssertSoundAsync(key, next);
    }

    /// <summary>Makes the head what a version without digest and index leaves behind.</summary>
    private async Task ForgetAsync(LogKey key)
    {
        CommitOutcome outcome;
        do
        {
            var row = (await fixture.Table.GetAsync(LogRows.Partition(key), LogRows.Head, null, Cancel))!;
            var old = new TableRow(row.Key).Set("n", row.LongOf("n")!.Value).Set("t", row.LongOf("t")!.Value).Set("tail", row.BytesOf("tail")!.Value)
                .Set("id", row.TextOf("id")!).Set("ts", row.LongOf("ts")!.Value);
            outcome = await fixture.Table.CommitAsync(LogRows.Partition(key), [new RowOperation.Replace(old, row.ETag)], Cancel);
        }
        while (outcome is not CommitOutcome.Committed);
    }

    private async Task<HeadRow> HeadAsync() => HeadRow.From(await fixture.Table.GetAsync(Partition, LogRows.Head, null, Cancel));

    private static List<NewEvent> Events(int from, int count, Random random, int padding)
        => [.. Enumerable.Range(from, count).Select(i => EntityEvents.Make($"e{i}", random, padding))];

    private static LogKey NewKey() => new(AppId.Parse("entities"), UserId.Parse($"user{Interlocked.Increment(ref _users)}"));

    private static EventLog Open(IPartitionedTable table) => new(table, TimeProvider.System, NullLogger<EventLog>.Instance);
}
