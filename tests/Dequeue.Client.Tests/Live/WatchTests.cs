using Dequeue.SampleEvents;
using Dequeue.Client.Tests.Servers;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Client.Tests.Live;

public sealed class WatchTests
{
    private const string Negotiate = "POST /apps/dequeue/sync/stream/negotiate";
    private static readonly List<byte[]> Later = new EventGenerator(new EventGeneratorOptions { Seed = 99 }).Generate(100).ToList();
    private readonly InMemoryEventStore _store = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_watch_hands_out_the_history_and_then_what_others_push_over_one_connection()
    {
        await using var server = await TestServer.StartAsync(250);
        using var sync = Sync(server);
        await using (var events = sync.WatchAsync(Cancelled).GetAsyncEnumerator(Cancelled))
        {
            await TakeAsync(events, server.Log);
            await server.CommitAsync(Later[..3]);
            await TakeAsync(events, Later[..3]);
        }

        Assert.Equal(server.Digest(), _store.Digest());
        Assert.Equal(server.Head, (await _store.LoadAsync(Cancelled)).Checkpoint);
        Assert.Equal([Negotiate, "WS /client/hubs/sync"], server.Calls);
        await server.NoSocketsAsync();
    }

    [Fact]
    public async Task Nothing_is_lost_or_repeated_over_a_cut()
    {
        await using var server = await TestServer.StartAsync(50);
        var logs = new LogList<SyncManager>();
        using (var sync = new SyncManager(server.Options, _store, static (_, _) => ValueTask.FromResult(TestServer.Token), logger: logs))
        {
            await using var events = sync.WatchAsync(Cancelled).GetAsyncEnumerator(Cancelled);
            await TakeAsync(events, server.Log);
            await server.CommitAsync(Later[..2]);
            await TakeAsync(events, Later[..2]);

            server.CutLive();
            await server.LiveAsync(0);
            await server.CommitAsync(Later[2..7], silently: true);
            await TakeAsync(events, Later[2..7]);
            await server.LiveAsync(1);
            await server.CommitAsync(Later[7..9]);
            await TakeAsync(events, Later[7..9]);
        }

        Assert.Equal(2, server.Count(Negotiate));
        Assert.Equal(server.Digest(), _store.Digest());
        Assert.DoesNotContain("secret", Assert.Single(logs.Entries), StringComparison.Ordinal);
        await server.NoSocketsAsync();
    }

    [Fact]
    public async Task What_is_committed_while_the_stream_runs_comes_once_after_it()
    {
        await using var server = await TestServer.StartAsync(100);
        server.Script = async script =>
        {
            await script.StartAsync();
            await server.CommitAsync(Later[..1]);
            await script.SendAsync(script.Batch(0, isLast: true));
            await script.SendAsync(new StreamMessage.Complete(100, TestServer.At(99), Position: 100).ToUtf8Bytes());
        };
        using var sync = Sync(server);
        await using var events = sync.WatchAsync(Cancelled).GetAsyncEnumerator(Cancelled);

        await TakeAsync(events, server.Log[..100]);
        await TakeAsync(events, Later[..1]);
        await server.CommitAsync(Later[1..2]);
        await server.TellAsync(100, 102);
        await server.CommitAsync(Later[2..3]);
        await TakeAsync(events, Later[1..3]);
    }

    [Fact]
    public async Task What_is_told_in_another_order_is_stored_in_the_order_of_the_log()
    {
        await using var server = await TestServer.StartAsync(10);
        using var sync = Sync(server);
        await using var events = sync.WatchAsync(Cancelled).GetAsyncEnumerator(Cancelled);
        await TakeAsync(events, server.Log);
        await server.LiveAsync(1);
        await server.CommitAsync(Later[..9], silently: true);

        await server.TellAsync(16, 19);
        await server.TellAsync(13, 17);
        await server.TellAsync(10, 13);

        await TakeAsync(events, Later[..9]);
        Assert.Equal(server.Log, _store.Events.Select(static json => json.ToArray()));
        Assert.Single(server.Asked);
    }

    [Fact]
    public async Task A_gap_that_does_not_close_is_asked_for_over_the_same_connection()
    {
        await using var server = await TestServer.StartAsync(10);
        using var sync = Sync(server);
        await using var events = sync.WatchAsync(Cancelled).GetAsyncEnumerator(Cancelled);
        await TakeAsync(events, server.Log);
        await server.LiveAsync(1);
        await server.CommitAsync(Later[..5], silently: true);

        await server.CommitAsync(Later[5..7]);

        await TakeAsync(events, Later[..7]);
        Assert.Equal([Dequeue.Contracts.Checkpoint.Beginning, TestServer.At(9)], server.Asked);
        Assert.Equal(1, server.Count(Negotiate));
        Assert.Equal(server.Log, _store.Events.Select(static json => json.ToArray()));
    }

    [Fact]
    public async Task A_lost_message_comes_with_the_next_catch_up_over_the_same_connection()
    {
        await using var server = await TestServer.StartAsync(10);
        var options = server.Options with { CatchUpInterval = TimeSpan.FromMilliseconds(20) };
        using var sync = new SyncManager(options, _store, static (_, _) => ValueTask.FromResult(TestServer.Token));
        await using var events = sync.WatchAsync(Cancelled).GetAsyncEnumerator(Cancelled);
        await TakeAsync(events, server.Log);
        await server.CommitAsync(Later[..1], silently: true);

        await TakeAsync(events, Later[..1]);

        Assert.Equal(1, server.Count(Negotiate));
    }

    [Fact]
    public async Task A_pull_beside_a_watch_disturbs_neither()
    {
        await using var server = await TestServer.StartAsync(10);
        using var sync = Sync(server);
        await using var events = sync.WatchAsync("app", Cancelled).GetAsyncEnumerator(Cancelled);
        await TakeAsync(events, server.Log);
        await server.LiveAsync(1);
        await server.CommitAsync(Later[..4], silently: true);

        await sync.PullAsync(cancellationToken: Cancelled);
        await server.TellAsync(10, 14);
        await server.CommitAsync(Later[4..5]);

        await TakeAsync(events, Later[..5]);
        Assert.Equal(server.Log, _store.Events.Select(static json => json.ToArray()));
        Assert.Equal(server.Head, (await _store.LoadAsync(Cancelled)).Checkpoint);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{} {}")]
    [InlineData("""{"type":"sync.stream.live"}""")]
    [InlineData("""{"type":"sync.stream.live","before":-1,"checkpoint":"2026-03-01T00:00:00Z","events":[{"id":"x"}]}""")]
    [InlineData("""{"type":"sync.stream.live","before":1,"checkpoint":"2026-03-01T00:00:00Z","events":[]}""")]
    [InlineData("""{"type":"sync.stream.news"}""")]
    public async Task Garbage_and_foreign_messages_are_left_alone(string message)
    {
        await using var server = await TestServer.StartAsync(1);
        using var sync = Sync(server);
        await using var events = sync.WatchAsync(Cancelled).GetAsyncEnumerator(Cancelled);
        await TakeAsync(events, server.Log);
        await server.LiveAsync(1);

        await server.TellAsync(System.Text.Encoding.UTF8.GetBytes(message));
        await server.CommitAsync(Later[..1]);

        await TakeAsync(events, Later[..1]);
        Assert.Equal(1, server.Count(Negotiate));
    }

    [Fact]
    public async Task A_refused_token_is_renewed_once_and_a_refused_user_ends_the_watch()
    {
        await using var server = await TestServer.StartAsync(1);
        List<bool> asked = [];
        using var sync = new SyncManager(server.Options, _store, (refused, _) =>
        {
            asked.Add(refused);
            return ValueTask.FromResult("old");
        });

        var failed = await Assert.ThrowsAsync<SyncFailedException>(async () =>
        {
            await foreach (var _ in sync.WatchAsync(Cancelled)) Assert.Fail("An event without a token.");
        });

        Assert.Equal(SyncFailureKind.Unauthorized, failed.Failure.Kind);
        Assert.Equal([false, true], asked);
    }

    [Fact]
    public async Task Cancelling_ends_a_silent_watch_at_once()
    {
        await using var server = await TestServer.StartAsync(1);
        var time = new CountingTime();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        using (var sync = Sync(server, time))
        {
            await using var events = sync.WatchAsync(stop.Token).GetAsyncEnumerator(stop.Token);
            await TakeAsync(events, server.Log);
            var next = events.MoveNextAsync().AsTask();
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
        }

        await time.NoTimersAsync();
        await server.NoSocketsAsync();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("app")]
    public async Task A_caller_who_leaves_during_the_first_sync_leaves_nothing_behind(string? consumer)
    {
        await using var server = await TestServer.StartAsync(1000);
        var time = new CountingTime();
        using (var sync = Sync(server, time))
        {
            await foreach (var _ in consumer is null ? sync.WatchAsync(Cancelled) : sync.WatchAsync(consumer, Cancelled)) break;
        }

        await time.NoTimersAsync();
        await server.NoSocketsAsync();
    }

    [Fact]
    public async Task The_default_app_is_watched_without_naming_it()
    {
        await using var server = await TestServer.StartAsync(3);
        using var sync = new SyncManager(server.Options with { App = null }, _store, static (_, _) => ValueTask.FromResult(TestServer.Token));
        await using var events = sync.WatchAsync(Cancelled).GetAsyncEnumerator(Cancelled);

        await TakeAsync(events, server.Log);

        Assert.Equal("POST /v1/sync/stream/negotiate", server.Calls[0]);
    }

    private SyncManager Sync(TestServer server, TimeProvider? time = null)
        => new(server.Options, _store, static (_, _) => ValueTask.FromResult(TestServer.Token), time: time);

    internal static async Task TakeAsync(IAsyncEnumerator<SyncEvent> events, IReadOnlyList<byte[]> expected)
    {
        foreach (var json in expected)
        {
            Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Guard.Time, Cancelled));
            Assert.Equal(json, events.Current.Json.ToArray());
        }
    }
}
