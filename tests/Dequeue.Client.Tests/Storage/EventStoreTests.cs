using System.Globalization;
using System.Text;
using Dequeue.Client.Sqlite;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Microsoft.Data.Sqlite;

namespace Dequeue.Client.Tests.Storage;

/// <summary>What every store must do, on each of the two.</summary>
public abstract class EventStoreTests : IAsyncLifetime
{
    private IEventStore _store = null!;

    protected static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private IPushQueue Queue => (IPushQueue)_store;

    private IConsumerStore Consumers => (IConsumerStore)_store;

    private ILogStore Log => (ILogStore)_store;

    public async ValueTask InitializeAsync() => _store = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        if (_store is IAsyncDisposable disposable) await disposable.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_new_store_stands_at_the_beginning()
        => Assert.Equal(new StorePosition(Checkpoint.Beginning, 0), await _store.LoadAsync(Cancelled));

    [Fact]
    public async Task Events_and_checkpoint_are_saved_together_and_in_order()
    {
        IReadOnlyList<SyncEvent> events = [Event("b"), Event("a"), Event("c")];

        var added = await _store.SaveAsync(events, At(3), Cancelled);

        Assert.Same(events, added);
        Assert.Equal(new StorePosition(At(3), 3), await _store.LoadAsync(Cancelled));
        Assert.Equal(["b", "a", "c"], await IdsAsync());
    }

    [Fact]
    public async Task Known_ids_are_left_out_and_only_the_new_are_told()
    {
        await _store.SaveAsync([Event("a"), Event("b")], At(1), Cancelled);

        var added = await _store.SaveAsync([Event("c"), Event("a", "other"), Event("d"), Event("c"), Event("A")], At(2), Cancelled);

        Assert.Equal(["c", "d", "A"], added.Select(next => next.Id));
        Assert.Equal(["a", "b", "c", "d", "A"], await IdsAsync());
        Assert.Equal(5, (await _store.LoadAsync(Cancelled)).Events);
    }

    [Fact]
    public async Task The_mark_is_saved_with_its_checkpoint_and_a_checkpoint_without_one_makes_the_position_unknown()
    {
        Assert.Equal(default, await Log.LoadMarkAsync(Cancelled));
        await Log.SaveAsync([Event("a")], At(1), new LogMark("e", 4), Cancelled);
        Assert.Equal((new StorePosition(At(1), 1), new LogMark("e", 4)), (await _store.LoadAsync(Cancelled), await Log.LoadMarkAsync(Cancelled)));

        await Log.SaveAsync([Event("b")], null, new LogMark("f", 9), Cancelled);
        await _store.SaveAsync([], At(1), Cancelled);
        Assert.Equal(new LogMark("e", 4), await Log.LoadMarkAsync(Cancelled));
        await _store.SaveAsync([], At(2), Cancelled);
        Assert.Equal(new LogMark("e", null), await Log.LoadMarkAsync(Cancelled));
        await Log.SaveAsync([], At(2), new LogMark("e", 5), Cancelled);
        await _store.RewindAsync(new StorePosition(At(1), 1), Cancelled);
        Assert.Equal(new LogMark("e", null), await Log.LoadMarkAsync(Cancelled));
        await Log.AdoptAsync("g", Cancelled);
        Assert.Equal("e", (await Log.LoadMarkAsync(Cancelled)).Epoch);
    }

    [Fact]
    public async Task A_store_of_no_log_adopts_the_first()
    {
        await Log.AdoptAsync("g", Cancelled);
        Assert.Equal(new LogMark("g", null), await Log.LoadMarkAsync(Cancelled));
    }

    [Fact]
    public async Task Parts_are_read_by_their_place()
    {
        await _store.SaveAsync([Event("a"), Event("b"), Event("c")], At(1), Cancelled);
        Assert.Equal(["b", "c"], (await Log.ReadEventsAsync(1, 5, Cancelled)).Select(next => next.Id));
        Assert.Equal(["a"], (await Log.ReadEventsAsync(0, 1, Cancelled)).Select(next => next.Id));
        Assert.Empty(await Log.ReadEventsAsync(3, 1, Cancelled));
    }

    [Fact]
    public async Task What_was_sent_is_settled_by_what_came_back_and_the_rest_waits_again_before_the_others()
    {
        await Queue.EnqueueAsync([Event("a"), Event("b"), Event("c"), Event("d")], Cancelled);
        var queued = await Queue.PeekAsync(10, Cancelled);
        await Queue.RemoveThroughAsync(queued[2].Number, [new RefusedEvent(queued[1].Number, "b", "no", queued[1].Json)], Cancelled);
        Assert.Equal(["a", "c"], (await Queue.SentAsync(Cancelled)).Select(next => next.Id));
        await _store.SaveAsync([Event("a")], At(1), Cancelled);

        Assert.Equal(0, await Queue.SettleAsync(queued[0].Number, requeue: true, Cancelled));
        Assert.Equal(["c"], (await Queue.SentAsync(Cancelled)).Select(next => next.Id));
        Assert.Equal(1, await Queue.SettleAsync(queued[2].Number, requeue: true, Cancelled));
        Assert.Equal(["c", "d"], (await Queue.PeekAsync(10, Cancelled)).Select(next => next.Id));
        Assert.Empty(await Queue.SentAsync(Cancelled));

        await Queue.RemoveThroughAsync(queued[3].Number, [], Cancelled);
        Assert.Equal(0, await Queue.SettleAsync(queued[3].Number, requeue: false, Cancelled));
        Assert.Equal((0, 0), (await Queue.CountAsync(Cancelled), (await Queue.SentAsync(Cancelled)).Count));
    }

    [Fact]
    public async Task A_store_that_begins_anew_holds_nothing_but_what_was_not_sent_apart()
    {
        await Queue.EnqueueAsync([Event("q"), Event("r"), Event("s")], Cancelled);
        await Queue.RemoveThroughAsync((await Queue.PeekAsync(1, Cancelled))[0].Number, [], Cancelled);
        await Log.SaveAsync([Event("a"), Event("b")], At(1), new LogMark("e", 2), Cancelled);
        var read = await Consumers.ReadAsync("app", 10, Cancelled);
        await Consumers.MoveAsync("app", read.Edition, 2, Cancelled);

        Assert.Equal(2, await Log.BeginAnewAsync("left behind", Cancelled));

        Assert.Equal((new StorePosition(Checkpoint.Beginning, 0), default(LogMark)), (await _store.LoadAsync(Cancelled), await Log.LoadMarkAsync(Cancelled)));
        Assert.Equal((0, 0), (await Queue.CountAsync(Cancelled), (await Queue.SentAsync(Cancelled)).Count));
        Assert.Equal([("r", "left behind"), ("s", "left behind")], (await Queue.RefusedAsync(Cancelled)).Select(one => (one.Id, one.Reason)));
        Assert.False(await Consumers.MoveAsync("app", read.Edition, 2, Cancelled));
        await _store.SaveAsync([Event("a")], At(1), Cancelled);
        Assert.Equal(["a"], (await Consumers.ReadAsync("app", 10, Cancelled)).Events.Select(next => next.Id));
    }

    [Fact]
    public async Task Without_a_checkpoint_the_position_stays()
    {
        await _store.SaveAsync([Event("a")], At(1), Cancelled);
        await _store.SaveAsync([Event("b")], null, Cancelled);
        Assert.Equal(new StorePosition(At(1), 2), await _store.LoadAsync(Cancelled));
    }

    [Fact]
    public async Task A_rewind_takes_back_what_came_since_so_that_it_can_come_again()
    {
        await _store.SaveAsync([Event("a")], At(1), Cancelled);
        var position = await _store.LoadAsync(Cancelled);
        await _store.SaveAsync([Event("b"), Event("c")], At(2), Cancelled);

        await _store.RewindAsync(position, Cancelled);

        Assert.Equal(position, await _store.LoadAsync(Cancelled));
        Assert.Equal(["a"], await IdsAsync());
        Assert.Equal(2, (await _store.SaveAsync([Event("c"), Event("b")], At(2), Cancelled)).Count);
        Assert.Equal(["a", "c", "b"], await IdsAsync());
    }

    [Fact]
    public async Task The_digest_of_any_part_is_that_of_its_events_in_order()
    {
        SyncEvent[] events = [.. "abcdefghij".Select(static id => Event(id.ToString()))];
        await _store.SaveAsync(events, At(10), Cancelled);

        foreach (var (first, count) in new[] { (0, 10), (0, 1), (3, 4), (9, 1) })
            Assert.Equal(EventDigest.Of(events[first..(first + count)]), await _store.DigestAsync(first, count, Cancelled));
    }

    [Theory]
    [InlineData("same size", "1:2:x,y 6:1:z", "a x y d e f z h i j")]
    [InlineData("shrinking", "1:2:x 6:2:", "a x d e f i j")]
    [InlineData("growing", "1:1:x,y,z 6:0:u 9:1:v,w", "a x y z c d e f u g h i v w")]
    [InlineData("growing, then shrinking", "0:1:x,y 8:2:", "x y b c d e f g h")]
    [InlineData("side by side", "2:2:x 4:2:y,z,u", "a b x y z u g h i j")]
    [InlineData("put in again where they were not", "1:2:g,h 6:2:b,c", "a g h d e f b c i j")]
    [InlineData("known elsewhere", "1:2:j,x,a,x 6:1:d,e", "a x d e f h i j")]
    [InlineData("all", "0:10:x,y", "x y")]
    [InlineData("at the end", "10:0:x,y", "a b c d e f g h i j x y")]
    [InlineData("nothing", "", "a b c d e f g h i j")]
    public async Task Parts_are_replaced_in_their_places(string name, string parts, string then)
    {
        Assert.NotEmpty(name);
        await _store.SaveAsync([.. "abcdefghij".Select(static id => Event(id.ToString()))], At(10), Cancelled);
        Replacement[] replacements = [.. parts.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static part => part.Split(':')).Select(static part => new Replacement(
            int.Parse(part[0], CultureInfo.InvariantCulture),
            int.Parse(part[1], CultureInfo.InvariantCulture),
            [.. part[2].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(static id => Event(id, "new"))]))];

        var put = await _store.ReplaceAsync(replacements, At(5), Cancelled);
        var wanted = then.Split(' ');

        Assert.Equal(wanted, await IdsAsync());
        Assert.Equal(new StorePosition(At(5), wanted.Length), await _store.LoadAsync(Cancelled));
        Assert.Equal(
            put!.Select(static next => Encoding.UTF8.GetString(next.Json.Span)),
            (await ReadAsync(_store)).Select(Encoding.UTF8.GetString).Where(static json => json.Contains("new", StringComparison.Ordinal)));

        // It counts on from there, and knows what it holds.
        var added = await _store.SaveAsync([Event("a"), Event("b"), Event("k")], At(11), Cancelled);
        await _store.RewindAsync(new StorePosition(At(5), wanted.Length), Cancelled);
        Assert.Contains("k", added.Select(static next => next.Id));
        Assert.Equal("ab".Where(id => !wanted.Contains(id.ToString())).Select(static id => id.ToString()).Append("k"), added.Select(static next => next.Id));
        Assert.Equal(wanted, await IdsAsync());
    }

    [Fact]
    public async Task The_queue_gives_the_oldest_first_and_forgets_what_is_removed()
    {
        await Queue.EnqueueAsync([Event("a"), Event("b")], Cancelled);
        await Queue.EnqueueAsync([Event("c")], Cancelled);

        var two = await Queue.PeekAsync(2, Cancelled);
        await Queue.RemoveThroughAsync(two[^1].Number, Cancelled);
        await Queue.EnqueueAsync([Event("d")], Cancelled);
        var rest = await Queue.PeekAsync(10, Cancelled);

        Assert.Equal(["a", "b"], two.Select(next => next.Id));
        Assert.Equal(["c", "d"], rest.Select(next => next.Id));
        Assert.Equal("""{"id":"c"}""", Encoding.UTF8.GetString(rest[0].Json.Span));
        Assert.Equal(2, await Queue.CountAsync(Cancelled));
        Assert.Equal(0, (await _store.LoadAsync(Cancelled)).Events);
    }

    [Fact]
    public async Task What_is_refused_leaves_the_queue_and_is_kept_until_it_is_forgotten()
    {
        await Queue.EnqueueAsync([Event("a"), Event("b"), Event("c")], Cancelled);
        var all = await Queue.PeekAsync(10, Cancelled);

        await Queue.RemoveThroughAsync(all[1].Number, [new RefusedEvent(all[1].Number, "b", "No.", all[1].Json)], Cancelled);

        var refused = Assert.Single(await Queue.RefusedAsync(Cancelled));
        Assert.Equal((all[1].Number, "b", "No."), (refused.Number, refused.Id, refused.Reason));
        Assert.Equal("""{"id":"b"}""", Encoding.UTF8.GetString(refused.Json.Span));
        Assert.Equal("c", Assert.Single(await Queue.PeekAsync(10, Cancelled)).Id);
        await Queue.ForgetRefusedAsync(refused.Number, Cancelled);
        Assert.Empty(await Queue.RefusedAsync(Cancelled));
    }

    [Fact]
    public async Task Each_consumer_reads_from_its_own_cursor()
    {
        await _store.SaveAsync([.. "abcdef".Select(static id => Event(id.ToString()))], At(1), Cancelled);

        var first = await Consumers.ReadAsync("one", 3, Cancelled);
        Assert.True(await Consumers.MoveAsync("one", first.Edition, 2, Cancelled));
        var next = await Consumers.ReadAsync("one", 3, Cancelled);
        var other = await Consumers.ReadAsync("other", 10, Cancelled);

        Assert.Equal((0L, "abc"), (first.Place, Ids(first)));
        Assert.Equal((2L, "cde"), (next.Place, Ids(next)));
        Assert.Equal((0L, "abcdef"), (other.Place, Ids(other)));
        await Consumers.MoveAsync("one", next.Edition, 6, Cancelled);
        var end = await Consumers.ReadAsync("one", 3, Cancelled);
        Assert.Equal((6L, ""), (end.Place, Ids(end)));
    }

    [Fact]
    public async Task A_cursor_returns_to_what_was_taken_back_or_replaced()
    {
        await _store.SaveAsync([.. "abcdef".Select(static id => Event(id.ToString()))], At(1), Cancelled);
        var before = await Consumers.ReadAsync("done", 10, Cancelled);
        await Consumers.MoveAsync("done", before.Edition, 6, Cancelled);
        await Consumers.MoveAsync("early", before.Edition, 1, Cancelled);

        await _store.ReplaceAsync([new Replacement(3, 1, [Event("x")]), new Replacement(5, 1, [])], At(1), Cancelled);
        var replaced = await Consumers.ReadAsync("done", 10, Cancelled);
        Assert.False(await Consumers.MoveAsync("done", before.Edition, 5, Cancelled));
        await Consumers.MoveAsync("done", replaced.Edition, 5, Cancelled);
        await _store.RewindAsync(new StorePosition(At(0), 2), Cancelled);
        await _store.SaveAsync([Event("y")], At(2), Cancelled);
        var rewound = await Consumers.ReadAsync("done", 10, Cancelled);

        Assert.Equal((3L, "xe"), (replaced.Place, Ids(replaced)));
        Assert.Equal((2L, "y"), (rewound.Place, Ids(rewound)));
        Assert.Equal((1L, "by"), ((await Consumers.ReadAsync("early", 10, Cancelled)).Place, Ids(await Consumers.ReadAsync("early", 10, Cancelled))));
    }

    protected abstract Task<IEventStore> OpenAsync();

    private static string Ids(ConsumerPage page) => string.Concat(page.Events.Select(static next => next.Id));

    protected abstract Task<List<byte[]>> ReadAsync(IEventStore store);

    protected static Checkpoint At(int second) => Checkpoint.FromTicks(DateTime.UnixEpoch.Ticks + second * TimeSpan.TicksPerSecond);

    protected static SyncEvent Event(string id, string? text = null)
        => new(Encoding.UTF8.GetBytes(text is null ? $$"""{"id":"{{id}}"}""" : $$"""{"id":"{{id}}","x":"{{text}}"}"""), id, null, 2, true);

    private async Task<List<string>> IdsAsync()
        => (await ReadAsync(_store)).Select(json => System.Text.Json.JsonDocument.Parse(json).RootElement.GetProperty("id").GetString()!).ToList();
}

public sealed class InMemoryEventStoreTests : EventStoreTests
{
    protected override Task<IEventStore> OpenAsync() => Task.FromResult<IEventStore>(new InMemoryEventStore());

    protected override Task<List<byte[]>> ReadAsync(IEventStore store)
        => Task.FromResult(((InMemoryEventStore)store).Events.Select(json => json.ToArray()).ToList());
}

public sealed class SqliteEventStoreTests : EventStoreTests
{
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("dequeue-").FullName, "new", "state.db");

    [Fact]
    public async Task Everything_is_there_after_reopening()
    {
        var path = _path + "2";
        await using (var store = await SqliteEventStore.OpenAsync(path, Cancelled))
        {
            await store.SaveAsync([Event("a")], At(1), Cancelled);
            await store.EnqueueAsync([Event("q")], Cancelled);
        }

        await using var reopened = await SqliteEventStore.OpenAsync(path, Cancelled);
        Assert.Equal(new StorePosition(At(1), 1), await reopened.LoadAsync(Cancelled));
        Assert.Equal("q", Assert.Single(await reopened.PeekAsync(10, Cancelled)).Id);
        Assert.Equal("""{"id":"a"}"""u8.ToArray(), Assert.Single(await ReadAsync(reopened)));
    }

    [Fact]
    public async Task A_save_that_fails_in_the_middle_changes_nothing()
    {
        await using var store = await SqliteEventStore.OpenAsync(_path + "3", Cancelled);
        await store.SaveAsync([Event("a")], At(1), Cancelled);

        await Assert.ThrowsAnyAsync<Exception>(async () => await store.SaveAsync([Event("b"), Event("c") with { Id = null }], At(2), Cancelled));

        Assert.Equal(new StorePosition(At(1), 1), await store.LoadAsync(Cancelled));
        Assert.Single(await ReadAsync(store));
        Assert.Single(await store.SaveAsync([Event("b")], At(2), Cancelled));
    }

    [Fact]
    public async Task A_replacement_that_fails_in_the_middle_changes_nothing()
    {
        await using var store = await SqliteEventStore.OpenAsync(_path + "8", Cancelled);
        await store.SaveAsync([Event("a"), Event("b"), Event("c")], At(3), Cancelled);

        await Assert.ThrowsAnyAsync<Exception>(async () => await store.ReplaceAsync(
            [new Replacement(0, 1, [Event("x"), Event("y")]), new Replacement(2, 1, [Event("z") with { Id = null }])], At(1), Cancelled));

        Assert.Equal(new StorePosition(At(3), 3), await store.LoadAsync(Cancelled));
        Assert.Equal(["a", "b", "c"], (await ReadAsync(store)).Select(static json => Encoding.UTF8.GetString(json)[7..8]));
        Assert.Single(await store.SaveAsync([Event("x")], At(4), Cancelled));
    }

    [Fact]
    public async Task A_process_that_dies_between_saves_leaves_the_last_whole_one()
    {
        var (path, copy) = (_path + "4", _path + "5");
        await using var store = await SqliteEventStore.OpenAsync(path, Cancelled);
        await store.SaveAsync([Event("a")], At(1), Cancelled);
        await store.SaveAsync([Event("b")], At(2), Cancelled);

        // What a killed process leaves on the disk: the file and its log, not closed. The log's last transaction is torn.
        File.Copy(path, copy);
        var log = await File.ReadAllBytesAsync(path + "-wal", Cancelled);
        await File.WriteAllBytesAsync(copy + "-wal", log.AsMemory(0, log.Length - 100), Cancelled);

        await using var survivor = await SqliteEventStore.OpenAsync(copy, Cancelled);
        var position = await survivor.LoadAsync(Cancelled);
        Assert.Equal(new StorePosition(At(1), 1), position);
        Assert.Single(await ReadAsync(survivor));
    }

    [Fact]
    public async Task A_file_of_a_later_version_is_refused()
    {
        var path = _path + "6";
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await using (var connection = new SqliteConnection($"Data Source={path};Pooling=False"))
        {
            await connection.OpenAsync(Cancelled);
            await using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA user_version = 99";
            await command.ExecuteNonQueryAsync(Cancelled);
        }

        await Assert.ThrowsAsync<InvalidDataException>(() => SqliteEventStore.OpenAsync(path, Cancelled));
    }

    [Fact]
    public async Task A_file_of_version_1_is_taken_over_with_what_it_holds()
    {
        var path = _path + "9";
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await using (var connection = new SqliteConnection($"Data Source={path};Pooling=False"))
        {
            await connection.OpenAsync(Cancelled);
            await using var command = connection.CreateCommand();
            command.CommandText =
                """
                CREATE TABLE events (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, json BLOB NOT NULL);
                CREATE TABLE position (one INTEGER PRIMARY KEY CHECK (one = 1), checkpoint INTEGER NOT NULL, events INTEGER NOT NULL);
                CREATE TABLE queue (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, json BLOB NOT NULL);
                INSERT INTO events VALUES (1, 'a', CAST('{"id":"a"}' AS BLOB));
                INSERT INTO position VALUES (1, 621355968010000000, 1);
                PRAGMA user_version = 1;
                """;
            await command.ExecuteNonQueryAsync(Cancelled);
        }

        await using var store = await SqliteEventStore.OpenAsync(path, Cancelled);

        Assert.Equal(new StorePosition(At(1), 1), await store.LoadAsync(Cancelled));
        Assert.Equal("a", Assert.Single((await store.ReadAsync("app", 10, Cancelled)).Events).Id);
        Assert.Empty(await store.RefusedAsync(Cancelled));
        Assert.Equal(default, await store.LoadMarkAsync(Cancelled));
        await store.SaveAsync([], At(2), new LogMark("e", 1), Cancelled);
        Assert.Equal(new LogMark("e", 1), await store.LoadMarkAsync(Cancelled));
    }

    [Fact]
    public async Task More_than_a_page_is_read_in_order()
    {
        await using var store = await SqliteEventStore.OpenAsync(_path + "7", Cancelled);
        var ids = Enumerable.Range(0, 2345).Select(i => $"e{i}").ToList();
        await store.SaveAsync([.. ids.Select(id => Event(id))], At(1), Cancelled);
        Assert.Equal(ids.Select(id => $$"""{"id":"{{id}}"}"""), (await ReadAsync(store)).Select(Encoding.UTF8.GetString));
    }

    protected override async Task<IEventStore> OpenAsync() => await SqliteEventStore.OpenAsync(_path, Cancelled);

    protected override async Task<List<byte[]>> ReadAsync(IEventStore store)
    {
        List<byte[]> events = [];
        await foreach (var json in ((SqliteEventStore)store).ReadAsync(Cancelled)) events.Add(json.ToArray());
        return events;
    }
}
