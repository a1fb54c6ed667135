using Dequeue.Cli.Generating;
using Dequeue.Client.Tests.Servers;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Microsoft.Extensions.Time.Testing;

namespace Dequeue.Client.Tests.Live;

public sealed class WatchTests
{
    private const string Live = "WS /apps/dequeue/ws";
    private static readonly List<byte[]> Later = new EventGenerator(new EventGeneratorOptions { Seed = 99 }).Generate(100).ToList();
    private readonly InMemoryEventStore _store = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_watch_hands_out_the_history_and_then_what_others_push()
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

        Assert.Equal(2, server.Count(Live));
        Assert.Equal(server.Digest(), _store.Digest());
        Assert.DoesNotContain("secret", Assert.Single(logs.Entries), StringComparison.Ordinal);
        await server.NoSocketsAsync();
    }

    [Fact]
    public async Task What_is_committed_while_catching_up_comes_once()
    {
        await using var server = await TestServer.StartAsync(100);
        server.Script = async script =>
        {
            await script.StartAsync();
            await server.CommitAsync(Later[..1]);
            await script.SendAsync(script.Batch(0, isLast: true));
            await script.SendAsync(new Contracts.Streaming.StreamMessage.Complete(100, TestServer.At(99)).ToUtf8Bytes());
        };
        using var sync = Sync(server);
        await using var events = sync.WatchAsync(Cancelled).GetAsyncEnumerator(Cancelled);

        await TakeAsync(events, server.Log[..100]);
        await TakeAsync(events, Later[..1]);
        await server.CommitAsync([Later[0], Later[1]]);
        await TakeAsync(events, Later[1..2]);
    }

    [Fact]
    public async Task A_lost_message_comes_with_the_next_catch_up()
    {
        await using var server = await TestServer.StartAsync(10);
        var time = new FakeTimeProvider();
        using var sync = Sync(server, time);
        await using var events = sync.WatchAsync(Cancelled).GetAsyncEnumerator(Cancelled);
        await TakeAsync(events, server.Log);
        await server.CommitAsync(Later[..1], silently: true);

        var next = events.MoveNextAsync().AsTask();
        while (!next.IsCompleted)
        {
            time.Advance(TimeSpan.FromMinutes(1));
            await Task.WhenAny(next, Task.Delay(5, Cancelled));
        }

        Assert.True(await next);
        Assert.Equal(Later[0], events.Current.Json.ToArray());
    }

    [Fact]
    public async Task Garbage_and_foreign_messages_are_left_alone()
    {
        await using var server = await TestServer.StartAsync(1);
        using var sync = Sync(server);
        await using var events = sync.WatchAsync(Cancelled).GetAsyncEnumerator(Cancelled);
        await TakeAsync(events, server.Log);
        var log = server.Log.Count;

        await server.CommitAsync(["[]"u8.ToArray(), "{"u8.ToArray(), "{}"u8.ToArray(), "{} {}"u8.ToArray(), """{"id":7}"""u8.ToArray(), Later[0]]);
        server.Log.RemoveRange(log, 5);

        await TakeAsync(events, Later[..1]);
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
        Assert.Equal(2, server.Count(Live));
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

    [Fact]
    public async Task A_caller_who_leaves_during_the_catch_up_leaves_nothing_behind()
    {
        await using var server = await TestServer.StartAsync(1000);
        var time = new CountingTime();
        using (var sync = Sync(server, time))
        {
            await foreach (var _ in sync.WatchAsync(Cancelled)) break;
        }

        await time.NoTimersAsync();
        await server.NoSocketsAsync();
    }

    [Fact]
    public void Watching_needs_an_app()
    {
        using var sync = new SyncManager(new SyncOptions { Server = new Uri("http://localhost") }, _store, static (_, _) => ValueTask.FromResult(""));
        Assert.Throws<InvalidOperationException>(() => sync.WatchAsync(Cancelled));
    }

    private SyncManager Sync(TestServer server, TimeProvider? time = null)
        => new(server.Options, _store, static (_, _) => ValueTask.FromResult(TestServer.Token), time: time);

    private static async Task TakeAsync(IAsyncEnumerator<SyncEvent> events, IReadOnlyList<byte[]> expected)
    {
        foreach (var json in expected)
        {
            Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20), Cancelled));
            Assert.Equal(json, events.Current.Json.ToArray());
        }
    }
}
