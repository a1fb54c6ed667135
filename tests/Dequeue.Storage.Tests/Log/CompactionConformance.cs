using System.Text;
using CsCheck;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Compaction;
using Dequeue.Sync.Log.Reading;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Paging;
using Dequeue.Sync.Storage;
using Dequeue.Sync.Streaming;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.Storage.Tests.Log;

/// <summary>What still matters of a log: exactly that, whatever was merged, and whoever reads how.</summary>
public abstract class CompactionConformance(ITableFixture fixture)
{
    private static int _users;
    private static long _syncs, _resumes, _survivors, _events;

    private readonly LogKey _key = NewKey();

    protected abstract int Histories { get; }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Partition => LogRows.Partition(_key);

    [Fact]
    public async Task Devices_of_either_kind_end_as_if_they_had_been_told_everything()
    {
        await Gen.Int[0, 1_000_000].SampleAsync(async seed => await RunAsync(new Random(seed)), iter: Histories, threads: 1);
        TestContext.Current.SendDiagnosticMessage($"{Histories} histories of {_events} events, {_survivors} of them in plans checked; {_syncs} syncs completed, {_resumes} parts of one");
    }

    [Fact]
    public async Task Any_part_of_a_log_is_read_as_the_rule_says_before_and_after_merges()
    {
        var (random, stored) = (new Random(7), new List<CompactEvent>());
        var log = Open(fixture.Table, mergePages: int.MaxValue);
        await PushAsync(log, _key, stored, new CompactEvents(random, 30_000), 400);
        await AssertPartsAsync(log, stored, random);
        var merging = Open(fixture.Table, mergePages: 2);
        await merging.CompactAsync(_key, Cancel);
        Assert.NotEmpty((await RunsAsync()).Current);
        await AssertPartsAsync(Open(fixture.Table, mergePages: 2), stored, random);
        await log.AssertSoundAsync(_key, stored.Count);
    }

    [Fact]
    public async Task What_was_planned_before_a_merge_is_read_the_same_after_several()
    {
        var (random, stored) = (new Random(8), new List<CompactEvent>());
        var (log, events) = (Open(fixture.Table, 1), new CompactEvents(random, 40_000));
        await PushAsync(log, _key, stored, events, 150);
        await log.SettledAsync(_key);
        var (count, end) = (stored.Count, (await log.ReadHeadAsync(_key, Cancel)).Last);
        var expected = CompactEvents.Survivors(stored, []).Select(e => e.Text).ToList();
        for (var round = 0; round < 4; round++)
        {
            // Another process, which remembers nothing.
            var other = Open(fixture.Table, 1);
            var survivors = await other.SelectSurvivorsAsync(_key, Checkpoint.Beginning, end, [], Cancel);
            Assert.Equal(expected, await TextsAsync(other, survivors, Checkpoint.Beginning, end, []));
            await PushAsync(log, _key, stored, events, 60);
            await log.SettledAsync(_key);
        }

        Assert.True((await RunsAsync()).Previous[^1].Through > end, "The last round read nothing that was merged away.");
    }

    [Fact]
    public async Task A_merge_that_is_cut_anywhere_leaves_a_right_log_and_the_next_one_goes_on()
    {
        var (random, stored) = (new Random(9), new List<CompactEvent>());
        await PushAsync(Open(fixture.Table, int.MaxValue), _key, stored, new CompactEvents(random, 40_000), 150);
        var cut = 0;
        for (var failing = 0; ; failing++)
        {
            var table = new FailingTable(fixture.Table);
            for (var i = 0; i < failing; i++) table.Commits.Enqueue(Failure.None);
            table.Commits.Enqueue(failing % 2 == 0 ? Failure.BeforeTheCommit : Failure.AfterTheCommit);
            try
            {
                await Open(table, 2).CompactAsync(_key, Cancel);
                break;
            }
            catch (StorageUnavailableException)
            {
                cut++;
                await Open(fixture.Table, 2).AssertSoundAsync(_key, stored.Count);
                await AssertPartsAsync(Open(fixture.Table, 2), stored, random);
            }
        }

        Assert.InRange(cut, 2, 100);
        await Open(fixture.Table, 2).AssertSoundAsync(_key, stored.Count);
        Assert.NotEmpty((await RunsAsync()).Current);
    }

    [Fact]
    public async Task Two_processes_that_merge_one_log_disturb_neither_it_nor_each_other()
    {
        var (random, stored) = (new Random(10), new List<CompactEvent>());
        await PushAsync(Open(fixture.Table, int.MaxValue), _key, stored, new CompactEvents(random, 40_000), 200);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Open(fixture.Table, 1).CompactAsync(_key, Cancel)));
        await Open(fixture.Table, 1).CompactAsync(_key, Cancel);
        await Open(fixture.Table, 1).AssertSoundAsync(_key, stored.Count);
        await AssertPartsAsync(Open(fixture.Table, 1), stored, random);
        Assert.NotEmpty((await RunsAsync()).Current);
    }

    [Fact]
    public async Task A_log_that_is_erased_while_it_is_merged_leaves_nothing_behind()
    {
        var stored = new List<CompactEvent>();
        await PushAsync(Open(fixture.Table, int.MaxValue), _key, stored, new CompactEvents(new Random(11), 40_000), 150);
        var (other, commits) = (Open(fixture.Table, int.MaxValue), 0);
        var table = new FailingTable(fixture.Table);
        table.BeforeCommit = async () =>
        {
            if (++commits == 2) await other.EraseAsync(_key, Cancel);
        };
        await Open(table, 2).CompactAsync(_key, Cancel);
        Assert.Equal(2, commits);
        Assert.Empty((await fixture.Table.QueryAsync(Partition, new RowQuery("", "~", 10), Cancel)).Rows);
    }

    [Theory]
    [InlineData("runs", "r")]
    [InlineData("runs", "n")]
    [InlineData("r", "a")]
    [InlineData("r", "k")]
    [InlineData("r", "v")]
    [InlineData("r", "m")]
    [InlineData("r", "q")]
    [InlineData("r", "c")]
    [InlineData("r", "d00")]
    [InlineData("r", null)]
    [InlineData("last", null)]
    [InlineData("middle", null)]
    public async Task Damaged_runs_are_found_by_the_check_and_read_around_and_made_anew(string which, string? property)
    {
        var (random, stored) = (new Random(12), new List<CompactEvent>());
        await PushAsync(Open(fixture.Table, int.MaxValue), _key, stored, new CompactEvents(random, 60_000) { Entities = 20 }, 300);
        await Open(fixture.Table, 2).CompactAsync(_key, Cancel);
        await Open(fixture.Table, 2).AssertSoundAsync(_key, stored.Count);
        var rows = await RowsAsync();
        Assert.InRange(rows.Count, 3, 50);
        var row = which switch { "runs" => (await fixture.Table.GetAsync(Partition, "runs", null, Cancel))!, "last" => rows[^1], "middle" => rows[1], _ => rows[0] };
        if (property is null)
        {
            Assert.IsType<CommitOutcome.Committed>(await fixture.Table.CommitAsync(Partition, [new RowOperation.Delete(row.Key)], Cancel));
        }
        else
        {
            _ = row.Properties[property] switch
            {
                int number => row.Set(property, number ^ 1),
                long number => row.Set(property, -number),
                ReadOnlyMemory<byte> bytes => row.Set(property, Flipped(bytes)),
                var other => throw new InvalidOperationException($"{other}"),
            };
            Assert.IsType<CommitOutcome.Committed>(await fixture.Table.CommitAsync(Partition, [new RowOperation.Replace(row, null)], Cancel));
        }

        Assert.NotEmpty((await Open(fixture.Table, 2).CheckAsync(_key, Cancel)).Findings);
        await AssertPartsAsync(Open(fixture.Table, int.MaxValue), stored, random);

        var log = Open(fixture.Table, 1);
        await PushAsync(log, _key, stored, new CompactEvents(random, 60_000) { First = 1000, Entities = 20 }, 60);
        await log.SettledAsync(_key);
        await log.CompactAsync(_key, Cancel);
        await log.AssertSoundAsync(_key, stored.Count);
        await AssertPartsAsync(log, stored, random);

        static byte[] Flipped(ReadOnlyMemory<byte> bytes)
        {
            var flipped = bytes.ToArray();
            flipped[flipped.Length / 2] ^= 4;
            return flipped;
        }
    }

    [Fact]
    public async Task An_entity_whose_every_event_matters_costs_no_more_than_others()
    {
        // Each is older than the one before: nothing is superseded, however they are told.
        var log = Open(fixture.Table, 2);
        var events = Enumerable.Range(0, 3000).Select(i => TestEvents.One($"o{i}", $$$"""{"id":"o{{{i}}}","ts":"{{{new DateTime(2026, 1, 1).AddSeconds(-i):yyyy-MM-ddTHH:mm:ss}}}Z","type":"task.{{{(i % 2 == 0 ? "updated" : "deleted")}}}","payload":{"taskId":"t","fullState":{{{(i % 2 == 0 ? "{}" : "null")}}}}}""")).ToList();
        foreach (var push in events.Chunk(500)) await log.AppendAsync(_key, push, Cancel);
        var head = await log.ReadHeadAsync(_key, Cancel);
        Assert.Equal(3000, (await log.SelectSurvivorsAsync(_key, Checkpoint.Beginning, head.Last, [], Cancel)).Count);
        await log.AppendAsync(_key, [TestEvents.One("last", """{"id":"last","ts":"2026-01-01T00:00:01Z","type":"task.updated","payload":{"taskId":"t","fullState":{}}}""")], Cancel);
        head = await log.ReadHeadAsync(_key, Cancel);
        Assert.Equal(1, (await log.SelectSurvivorsAsync(_key, Checkpoint.Beginning, head.Last, [], Cancel)).Count);
        await log.SettledAsync(_key);
        await log.AssertSoundAsync(_key, 3001);
    }

    private async Task RunAsync(Random random)
    {
        var (key, stored) = (NewKey(), new List<CompactEvent>());
        var (events, pad) = (new CompactEvents(random, random.Next(60_000)), random.Next(1, 3));
        EventLog[] logs = [Open(fixture.Table, pad), Open(fixture.Table, pad)];
        var (device, position) = (new DeviceTwin(), Checkpoint.Beginning);
        for (var round = random.Next(5, 16); round > 0; round--)
        {
            await PushAsync(logs[random.Next(2)], key, stored, events, random.Next(1, 70));
            if (random.Next(3) == 0) await logs[0].SettledAsync(key);
            for (var tries = random.Next(3); tries > 0; tries--) await SyncAsync(1 + random.Next(60));
        }

        await SyncAsync(int.MaxValue);
        await logs[1].SettledAsync(key);
        await logs[0].SettledAsync(key);
        await logs[1].AssertSoundAsync(key, stored.Count);
        Interlocked.Add(ref _events, stored.Count);

        // A sync in one form, or a part of one: cut after so many events, or when it is through.
        async Task SyncAsync(int most)
        {
            var log = logs[random.Next(2)];
            StreamCompact? compact = random.Next(4) switch
            {
                0 => null,
                1 => new StreamCompact { Keep = random.Next(3) == 0 ? ["task.activated", "tag.deleted", ".updated"] : [] },
                _ => new StreamCompact(),
            };
            var head = await log.ReadHeadAsync(key, Cancel);
            var isThrough = random.Next(2) == 0 ? await StreamAsync(log, compact, most) : await PullAsync(log, compact, most);

            // What was pushed meanwhile may supersede what came before a cut, also one behind the head of before.
            if (!isThrough || position < head.Last)
            {
                Interlocked.Increment(ref _resumes);
                return;
            }

            // Everything that is stored by now may have come.
            Interlocked.Increment(ref _syncs);
            var twin = new DeviceTwin();
            var through = stored.Count - (int)await log.CountAfterAsync(key, await log.ReadHeadAsync(key, Cancel), position, Cancel);
            foreach (var e in stored.Take(through)) twin.Apply(e.Text);
            device.AssertSame(twin);
        }

        async Task<bool> StreamAsync(EventLog log, StreamCompact? compact, int most)
        {
            var plan = await StreamPlan.MakeAsync(log, key, position, null, compact, default, Cancel);
            var after = stored.Count - (int)await log.CountAfterAsync(key, await log.ReadHeadAsync(key, Cancel), position, Cancel);
            var expected = compact is null ? stored.Skip(after).ToList() : CompactEvents.Survivors([.. stored.Skip(after)], compact.Keep);
            Assert.Equal(expected.Count, plan.TotalEvents);
            if (compact is not null) Assert.Equal(stored.Count - after, plan.HistoryEvents);
            Interlocked.Add(ref _survivors, expected.Count);

            // Another process takes a step of it.
            var selection = await logs[random.Next(2)].SelectAsync(key, random.Next(2) == 0 ? plan : plan with { Selection = null }, Cancel);
            var sent = 0;
            await foreach (var page in log.ReadRestAsync(key, plan, selection, position, packed: random.Next(2) == 0, Cancel))
            {
                foreach (var e in new[] { page.Unpack() }.Events())
                {
                    Assert.Equal(expected[sent++].Text, e.Text);
                    device.Apply(e.Text);
                    position = e.At;
                    if (--most == 0) return position >= plan.End;
                }
            }

            Assert.Equal(expected.Count, sent);
            position = plan.End;
            return true;
        }

        async Task<bool> PullAsync(EventLog log, StreamCompact? compact, int most)
        {
            while (true)
            {
                var page = await log.PullAsync(key, position, random.Next(1, 100), compact, Cancel);
                foreach (var e in page.Runs.Events()) device.Apply(e.Text);
                most -= page.Runs.Sum(run => run.Count);
                position = page.NextCheckpoint;
                if (!page.HasMore || most <= 0) return !page.HasMore;
                if (random.Next(6) == 0) await PushAsync(logs[random.Next(2)], key, stored, events, random.Next(1, 20));
            }
        }
    }

    /// <summary>Holds parts of the log against the rule, as any process sees them that knows nothing yet.</summary>
    private async Task AssertPartsAsync(EventLog log, List<CompactEvent> stored, Random random)
    {
        var at = (await log.ReadAllAsync(_key, Cancel)).Select(e => e.At).ToList();
        for (var i = 0; i < 6; i++)
        {
            var (first, last) = i == 0 ? (0, stored.Count) : (random.Next(stored.Count), stored.Count - (i % 2 == 0 ? 0 : random.Next(20)));
            if (first >= last) continue;
            IReadOnlyList<string> keep = i == 5 ? ["task.updated"] : [];
            var (after, through) = (first == 0 ? Checkpoint.Beginning : at[first - 1], at[last - 1]);
            var expected = CompactEvents.Survivors(stored[first..last], keep).Select(e => e.Text).ToList();
            var survivors = await log.SelectSurvivorsAsync(_key, after, through, keep, Cancel);
            Assert.Equal(expected, await TextsAsync(log, survivors, after, through, keep));
            Assert.Equal(expected.Count, survivors.Count);
        }
    }

    private async Task<List<string>> TextsAsync(EventLog log, EventSelection survivors, Checkpoint after, Checkpoint through, IReadOnlyList<string> keep)
    {
        var texts = new List<string>();
        await foreach (var page in log.ReadSurvivorsAsync(_key, survivors, after, through, keep, packed: true, Cancel))
        {
            Assert.Equal(Encoding.UTF8.GetString(page.Json.Span), Encoding.UTF8.GetString(page.Pack().Unpack()));
            texts.AddRange(new[] { page }.Events().Select(e => e.Text));
        }

        return texts;
    }

    private static async Task PushAsync(EventLog log, LogKey key, List<CompactEvent> stored, CompactEvents events, int count)
    {
        var added = Enumerable.Range(0, count).Select(_ => events.Next()).ToList();
        foreach (var push in added.Chunk(40)) await log.AppendAsync(key, [.. push.Select(e => e.Event)], Cancel);
        stored.AddRange(added);
    }

    private async Task<RunList> RunsAsync() => RunList.From(await fixture.Table.GetAsync(Partition, LogRows.Runs, null, Cancel));

    private async Task<List<TableRow>> RowsAsync()
        => [.. (await fixture.Table.QueryAsync(Partition, new RowQuery(LogRows.BeforeRuns, LogRows.AfterRuns, TableLimits.AnswerRows), Cancel)).Rows];

    private static LogKey NewKey() => new(AppId.Parse("compact"), UserId.Parse($"user {Interlocked.Increment(ref _users)}"));

    private static EventLog Open(IPartitionedTable table, int mergePages) => new(table, TimeProvider.System, NullLogger<EventLog>.Instance, mergePages);
}
