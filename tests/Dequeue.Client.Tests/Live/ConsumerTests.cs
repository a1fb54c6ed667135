using Dequeue.SampleEvents;
using Dequeue.Client.Sqlite;
using Dequeue.Client.Tests.Servers;

namespace Dequeue.Client.Tests.Live;

/// <summary>Named consumers: saved is not handed out.</summary>
public sealed class ConsumerTests : IDisposable
{
    private static readonly List<byte[]> Later = new EventGenerator(new EventGeneratorOptions { Seed = 99 }).Generate(20).ToList();
    private readonly string _folder = Directory.CreateTempSubdirectory("dequeue-consumer-").FullName;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private string Path => System.IO.Path.Combine(_folder, "device.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_consumer_that_leaves_after_100_of_9000_goes_on_there_after_a_restart()
    {
        await using var server = await TestServer.StartAsync(9000);
        server.BatchSize = 1000;
        var seen = new List<byte[]>();
        await using (var store = await SqliteEventStore.OpenAsync(Path, Cancelled))
        {
            using var sync = Sync(server, store);
            await using var events = sync.WatchAsync("app", Cancelled).GetAsyncEnumerator(Cancelled);
            while (seen.Count < 100)
            {
                await events.MoveNextAsync();
                seen.Add(events.Current.Json.ToArray());
            }

            // It comes back for the next one, which so is not done with.
            await events.MoveNextAsync();
        }

        await using (var store = await SqliteEventStore.OpenAsync(Path, Cancelled))
        {
            using var sync = Sync(server, store);
            await foreach (var next in sync.WatchAsync("app", Cancelled))
            {
                seen.Add(next.Json.ToArray());
                if (seen.Count == 9000) break;
            }
        }

        Assert.Equal(server.Log, seen);
    }

    [Fact]
    public async Task An_event_in_whose_handling_the_consumer_fell_comes_again()
    {
        await using var server = await TestServer.StartAsync(10);
        var store = new InMemoryEventStore();
        using var sync = Sync(server, store);
        var handled = 0;
        await Assert.ThrowsAsync<InvalidOperationException>(async () =>
        {
            await foreach (var _ in sync.WatchAsync("app", Cancelled))
            {
                if (handled == 3) throw new InvalidOperationException("The handler failed.");
                handled++;
            }
        });

        await using var events = sync.WatchAsync("app", Cancelled).GetAsyncEnumerator(Cancelled);
        await WatchTests.TakeAsync(events, server.Log[3..]);
    }

    [Fact]
    public async Task What_another_pull_saved_is_handed_out_and_each_name_has_its_own_cursor()
    {
        await using var server = await TestServer.StartAsync(10);
        var store = new InMemoryEventStore();
        using var sync = Sync(server, store);
        await sync.PullAsync(cancellationToken: Cancelled);

        foreach (var name in new[] { "one", "other" })
        {
            await using var events = sync.WatchAsync(name, Cancelled).GetAsyncEnumerator(Cancelled);
            await WatchTests.TakeAsync(events, server.Log);
            await server.LiveAsync(1);
        }

        await server.CommitAsync(Later[..2], silently: true);
        await using var again = sync.WatchAsync("one", Cancelled).GetAsyncEnumerator(Cancelled);
        await WatchTests.TakeAsync(again, [server.Log[9], .. Later[..2]]);
    }

    [Fact]
    public async Task A_store_without_cursors_has_no_named_consumers()
    {
        await using var server = await TestServer.StartAsync(1);
        using var sync = Sync(server, new RecordingStore());
        Assert.Throws<InvalidOperationException>(() => sync.WatchAsync("app", Cancelled));
    }

    private static SyncManager Sync(TestServer server, IEventStore store)
        => new(server.Options, store, static (_, _) => ValueTask.FromResult(TestServer.Token));
}
