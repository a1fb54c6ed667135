using System.Text;
using Dequeue.Client.Sqlite;
using Dequeue.Client.Tests.Servers;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Rest;
using Dequeue.Contracts.Streaming;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Client.Tests.Pulling;

/// <summary>When a stream turns out wrong, only what differs is fetched again, and the store ends as the log is.</summary>
public sealed class RepairTests : IAsyncLifetime
{
    private const int Events = 950;
    private static readonly TokenProvider Tokens = static (_, _) => ValueTask.FromResult(TestServer.Token);
    private static readonly byte[] Foreign = """{"id":"foreign","payload_version":2}"""u8.ToArray();

    /// <summary>How a stream of ten batches is spoiled, and the events that have to come again.</summary>
    private static readonly Dictionary<string, (Action<List<byte[]>[]> Spoil, int Fetched)> Cases = new()
    {
        ["an event is altered"] = (static batches => Alter(batches[3], 50), 100),
        ["an event of the first batch is altered"] = (static batches => Alter(batches[0], 0), 100),
        ["an event of the last batch is altered"] = (static batches => Alter(batches[9], 49), 50),
        ["an event is lost"] = (static batches => batches[4].RemoveAt(50), 100),
        ["all events of a batch but one are lost"] = (static batches => batches[4].RemoveRange(1, 99), 100),
        ["an event comes twice"] = (static batches => batches[2].Insert(7, batches[2][6]), 100),
        ["an event comes in the place of another"] = (static batches => batches[2][8] = batches[2][7], 100),
        ["an event of an earlier batch comes again"] = (static batches => batches[7].Add(batches[1][3]), 100),
        ["an event of a later batch comes early"] = (static batches => batches[1].Add(batches[7][3]), 200),
        ["an event has moved to another batch"] = (static batches => Move(batches[1], batches[7]), 200),
        ["two events are swapped"] = (static batches => (batches[5][1], batches[5][2]) = (batches[5][2], batches[5][1]), 100),
        ["two batches are swapped"] = (static batches => (batches[5], batches[6]) = (batches[6], batches[5]), 200),
        ["two batches far apart are swapped"] = (static batches => (batches[0], batches[9]) = (batches[9], batches[0]), 150),
        ["a foreign event stands in a batch"] = (static batches => batches[6][10] = Foreign, 100),
        ["a foreign event is added"] = (static batches => batches[6].Add(Foreign), 100),
        ["several batches are spoiled"] = (static batches =>
        {
            Alter(batches[1], 1);
            batches[4].RemoveAt(0);
            batches[8].Add(batches[8][0]);
        }, 300),
        ["every batch is spoiled"] = (static batches => Array.ForEach(batches, static batch => Alter(batch, 0)), 950),
    };

    private SqliteEventStore _sqlite = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static TheoryData<string, bool> Names => [.. Cases.Keys.SelectMany(static name => new (string, bool)[] { (name, false), (name, true) })];

    public async ValueTask InitializeAsync()
        => _sqlite = await SqliteEventStore.OpenAsync(Path.Combine(Directory.CreateTempSubdirectory("dequeue-").FullName, "state.db"), Cancelled);

    public ValueTask DisposeAsync() => _sqlite.DisposeAsync();

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Only_what_differs_comes_again_when(string name, bool inSqlite)
    {
        var (spoil, fetched) = Cases[name];
        await using var server = await SpoiledAsync(spoil);
        IEventStore store = inSqlite ? _sqlite : new InMemoryEventStore();
        using var sync = new SyncManager(server.Options, store, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((fetched, fetched), (server.Paged, (int)result.Repaired));
        Assert.Equal((Events, Events, true), ((int)result.Events, (int)result.Added, result.DigestVerified));
        Assert.Equal((SyncTransport.Rest, SyncFailureKind.BadAnswer), (result.Transport, result.StreamFailure!.Kind));
        Assert.Equal((server.Head, server.Head), (result.Checkpoint, (await store.LoadAsync(Cancelled)).Checkpoint));
        Assert.Equal(server.Log.Select(Text), await HeldAsync(store));

        // It can go on from there.
        await server.CommitAsync([Foreign]);
        server.Script = null;
        var next = await sync.PullAsync(cancellationToken: Cancelled);
        Assert.Equal((1, SyncTransport.Stream), ((int)next.Added, next.Transport));
        Assert.Equal(server.Log.Select(Text), await HeldAsync(store));
    }

    [Theory]
    [InlineData(Events, Events, "0")]
    [InlineData(Events - 1, Events, null)]
    [InlineData(Events, Events + 1, null)]
    public async Task Nothing_comes_again_when_only_the_servers_sums_are_wrong(int total, int processed, string? digest)
    {
        await using var server = await TestServer.StartAsync(Events);
        server.Script = async script =>
        {
            await script.StartAsync(total);
            for (var index = 0; index < script.Batches; index++) await script.BatchAsync(index);
            await script.CompleteAsync(processed, digest);
        };
        var store = new InMemoryEventStore();
        using var sync = new SyncManager(server.Options, store, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((0, 0, Events, true), (server.Paged, (int)result.Repaired, (int)result.Added, result.DigestVerified));
        Assert.Equal(server.Head, (await store.LoadAsync(Cancelled)).Checkpoint);
        Assert.Equal(server.Digest(), store.Digest());
    }

    [Fact]
    public async Task A_device_that_has_a_part_already_repairs_the_rest_alone()
    {
        await using var server = await SpoiledAsync(static batches => Alter(batches[2], 0));
        await _sqlite.SaveAsync(Read(server.Log[..150]), TestServer.At(149), Cancelled);
        using var sync = new SyncManager(server.Options, _sqlite, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((100, 800, 800), (server.Paged, (int)result.Events, (int)result.Added));
        Assert.Equal(server.Log.Select(Text), await HeldAsync(_sqlite));
    }

    [Fact]
    public async Task What_the_filter_drops_shifts_no_place()
    {
        await using var server = await SpoiledAsync(static batches =>
        {
            batches[3].RemoveAt(0);
            Alter(batches[6], 0);
        });
        var device = server.Log.Select(json => System.Text.Json.JsonDocument.Parse(json).RootElement.GetProperty("device_id").GetString()).Distinct().First()!;
        using var sync = new SyncManager(server.Options with { Filter = EventFilter.ShippedApp, DeviceId = device, IsFirstSync = false }, _sqlite, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        var kept = server.Log.Select(Text).Where(json => !json.Contains($"\"device_id\":\"{device}\"", StringComparison.Ordinal)).ToList();
        Assert.Equal(200, server.Paged);
        Assert.InRange(kept.Count, 1, Events - 1);
        Assert.Equal((Events, kept.Count), ((int)result.Events, (int)result.Added));
        Assert.Equal(kept, await HeldAsync(_sqlite));
    }

    [Fact]
    public async Task An_event_that_came_live_before_stays_where_it_is()
    {
        await using var server = await SpoiledAsync(static batches => Alter(batches[3], 50));
        await _sqlite.SaveAsync(Read([server.Log[345], server.Log[555]]), null, Cancelled);
        using var sync = new SyncManager(server.Options, _sqlite, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        // The batch of the second one is right, but the store did not take it whole: it comes again with the wrong one.
        Assert.Equal((200, Events - 2), (server.Paged, (int)result.Added));
        Assert.Equal(
            server.Log[345..346].Concat(server.Log[555..556]).Concat(server.Log.Where((_, i) => i is not (345 or 555))).Select(Text),
            await HeldAsync(_sqlite));
    }

    [Fact]
    public async Task More_than_a_hundred_parts_are_compared_by_several_calls()
    {
        await using var server = await SpoiledAsync(static batches => Alter(batches[150], 0));
        server.BatchSize = 5;
        using var sync = new SyncManager(server.Options, _sqlite, Tokens);

        await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((2, 5), (server.Count("POST /apps/dequeue/sync/digests"), server.Paged));
        Assert.Equal(server.Log.Select(Text), await HeldAsync(_sqlite));
    }

    [Theory]
    [InlineData("the server has no such call")]
    [InlineData("the call fails")]
    [InlineData("the call answers something else")]
    [InlineData("the digests are not those of the pages")]
    [InlineData("the store cannot replace")]
    [InlineData("too many parts differ")]
    [InlineData("batches have no checkpoints")]
    public async Task All_of_it_comes_again_when(string why)
    {
        var isTooMany = why == "too many parts differ";
        await using var server = await SpoiledAsync(batches => Array.ForEach(isTooMany ? batches : batches[3..4], static batch => Alter(batch, 0)));
        if (isTooMany) server.BatchSize = 20;
        server.HasDigests = why != "the server has no such call";
        var answer = why switch
        {
            "the call fails" => "",
            "the call answers something else" => """{"ranges":[null]}""",
            "the digests are not those of the pages" => "lies",
            _ => null,
        };
        server.Intercept = async context =>
        {
            if (answer is null || context.Request.Path != "/apps/dequeue/sync/digests") return false;
            if (answer.Length == 0) await TestServer.ProblemAsync(context, 503, ErrorCodes.DbError);
            else if (answer == "lies") await LieAsync(context);
            else await context.Response.WriteAsync(answer);
            return true;
        };
        if (why == "batches have no checkpoints")
        {
            server.Script = static async script =>
            {
                await script.StartAsync();
                for (var index = 0; index < script.Batches; index++) await script.SendAsync(script.Batch(index, withCheckpoint: false));
                await script.CompleteAsync(digest: new string('0', 64));
            };
        }

        var memory = new InMemoryEventStore();
        using var sync = new SyncManager(server.Options, why == "the store cannot replace" ? new PlainStore(memory) : memory, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.InRange(server.Paged, Events, Events + 100);
        Assert.Equal((0, Events, Events, false), ((int)result.Repaired, (int)result.Events, (int)result.Added, result.DigestVerified));
        Assert.Equal(server.Digest(), memory.Digest());
    }

    [Theory]
    [InlineData("/apps/dequeue/sync/digests", 503)]
    [InlineData("/apps/dequeue/sync/digests", 429)]
    [InlineData("/apps/dequeue/sync/pull", 503)]
    public async Task A_call_that_fails_for_a_moment_is_made_again_and_only_what_differs_is_fetched(string call, int status)
    {
        await using var server = await SpoiledAsync(static batches => Alter(batches[5], 0));
        var failures = 0;
        server.Intercept = context =>
        {
            if (context.Request.Path != call || failures == 2) return Task.FromResult(false);
            failures++;
            context.Response.StatusCode = status;
            return Task.FromResult(true);
        };
        var store = new InMemoryEventStore();
        using var sync = new SyncManager(server.Options, store, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((2, 100, true), (failures, (int)result.Repaired, result.DigestVerified));
        Assert.Equal(100, server.Paged);
        Assert.Equal(server.Digest(), store.Digest());
    }

    [Theory]
    [InlineData("/apps/dequeue/sync/digests", 1)]
    [InlineData("/apps/dequeue/sync/pull", 1)]
    [InlineData("/apps/dequeue/sync/pull", 2)]
    public async Task A_crash_in_the_middle_of_a_repair_loses_nothing(string call, int times)
    {
        await using var server = await SpoiledAsync(static batches =>
        {
            batches[2].RemoveAt(3);
            Alter(batches[5], 0);
        });
        using var crash = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        server.Intercept = async context =>
        {
            if (context.Request.Path != call || --times > 0) return false;
            await crash.CancelAsync();
            return true;
        };
        using (var sync = new SyncManager(server.Options, _sqlite, Tokens))
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sync.PullAsync(cancellationToken: crash.Token));
        }

        (server.Intercept, server.Script) = (null, null);
        using var again = new SyncManager(server.Options, _sqlite, Tokens);
        await again.PullAsync(cancellationToken: Cancelled);

        var held = await HeldAsync(_sqlite);
        Assert.Equal(Events, held.Count);
        Assert.Equal(server.Log.Select(Id).Order(), held.Select(json => Id(Encoding.UTF8.GetBytes(json))).Order());
        // Once what is wrong has left the store, even the bytes are right.
        if (call.EndsWith("pull", StringComparison.Ordinal)) Assert.Equal(server.Log.Select(Text).Order(), held.Order());
    }

    private static async Task<TestServer> SpoiledAsync(Action<List<byte[]>[]> spoil)
    {
        var server = await TestServer.StartAsync(Events);
        server.Script = async script =>
        {
            List<byte[]>[] batches = [.. Enumerable.Range(0, script.Batches).Select(script.Events)];
            spoil(batches);
            await script.StartAsync();
            for (var index = 0; index < script.Batches; index++) await script.SendAsync(script.Batch(index, batches[index]));
            await script.CompleteAsync();
        };
        return server;
    }

    private static void Alter(List<byte[]> batch, int at)
    {
        var altered = batch[at].ToArray();
        altered[altered.AsSpan().IndexOf("\"payload_version\":2"u8) + 18] = (byte)'3';
        batch[at] = altered;
    }

    private static void Move(List<byte[]> from, List<byte[]> to)
    {
        to.Add(from[0]);
        from.RemoveAt(0);
    }

    private static async Task LieAsync(HttpContext context)
    {
        var request = await System.Text.Json.JsonSerializer.DeserializeAsync(context.Request.Body, RestJson.Default.DigestsRequest);
        var lies = request!.Checkpoints.Select(static until => new RangeDigest(until, 100, new string('0', 64))).ToList();
        await context.Response.WriteAsJsonAsync(new DigestsResponse(lies), RestJson.Default.DigestsResponse);
    }

    private static IReadOnlyList<SyncEvent> Read(List<byte[]> events)
        => Assert.IsType<StreamMessage.Batch>(new StreamMessageReader().Read(StreamScript.Frame(events, 0, true, TestServer.At(0)), out _)).Events;

    private static async Task<List<string>> HeldAsync(IEventStore store)
    {
        if (store is InMemoryEventStore memory) return [.. memory.Events.Select(static json => Encoding.UTF8.GetString(json.Span))];
        List<string> held = [];
        await foreach (var json in ((SqliteEventStore)store).ReadAsync(Cancelled)) held.Add(Encoding.UTF8.GetString(json.Span));
        return held;
    }

    private static string Text(byte[] json) => Encoding.UTF8.GetString(json);

    private static string Id(byte[] json) => System.Text.Json.JsonDocument.Parse(json).RootElement.GetProperty("id").GetString()!;

    /// <summary>A store of an app that knows no replacing.</summary>
    private sealed class PlainStore(IEventStore inner) : IEventStore
    {
        public ValueTask<StorePosition> LoadAsync(CancellationToken cancellationToken) => inner.LoadAsync(cancellationToken);

        public ValueTask<IReadOnlyList<SyncEvent>> SaveAsync(IReadOnlyList<SyncEvent> events, Checkpoint? checkpoint, CancellationToken cancellationToken)
            => inner.SaveAsync(events, checkpoint, cancellationToken);

        public ValueTask RewindAsync(StorePosition position, CancellationToken cancellationToken) => inner.RewindAsync(position, cancellationToken);
    }
}
