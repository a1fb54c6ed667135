using System.Text;
using Dequeue.SampleEvents;
using Dequeue.Client.Sqlite;
using Dequeue.Client.Tests.Servers;
using Dequeue.Contracts.Events;

namespace Dequeue.Client.Tests.Threads;

/// <summary>The caller's thread may be an app's UI: it does none of the work.</summary>
[CollectionDefinition(nameof(UiThreadTests), DisableParallelization = true)]
[Collection(nameof(UiThreadTests))]
public sealed class UiThreadTests : IDisposable
{
    private const int Events = 10_000;

    /// <summary>A frame of a screen that shows 60 a second.</summary>
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(16);

    /// <summary>A busy machine may take the thread's turn away in one run; work on the thread would show in all.</summary>
    private const int Runs = 20;

    private readonly string _folder = Directory.CreateTempSubdirectory("dequeue-ui-").FullName;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(StreamEndpoint.Negotiated)]
    [InlineData(StreamEndpoint.None)]
    public async Task Pulling_ten_thousand_events_into_SQLite_keeps_the_callers_thread_for_less_than_a_frame(StreamEndpoint endpoint)
    {
        await using var server = await TestServer.StartAsync(Events);
        server.BatchSize = 1000;

        await AssertFreeAsync(async path =>
        {
            var reports = new List<SyncProgress>();
            await using var store = await SqliteEventStore.OpenAsync(path, Cancelled);
            using var sync = Sync(server, store, endpoint);
            var result = await sync.PullAsync(new Progress<SyncProgress>(reports.Add), Cancelled);
            Assert.NotEmpty(reports);
            return result.Added;
        });
    }

    [Theory]
    [InlineData(null)]
    [InlineData("app")]
    public async Task Watching_ten_thousand_events_keeps_the_callers_thread_for_less_than_a_frame(string? consumer)
    {
        await using var server = await TestServer.StartAsync(Events);
        server.BatchSize = 1000;

        await AssertFreeAsync(async path =>
        {
            await using var store = await SqliteEventStore.OpenAsync(path, Cancelled);
            using var sync = Sync(server, store, StreamEndpoint.Negotiated);
            var seen = 0L;
            await foreach (var _ in consumer is null ? sync.WatchAsync(Cancelled) : sync.WatchAsync(consumer, Cancelled))
            {
                if (++seen == Events) break;
            }

            return seen;
        });
    }

    [Fact]
    public async Task Enqueuing_and_flushing_ten_thousand_events_keeps_the_callers_thread_for_less_than_a_frame()
    {
        var events = new EventGenerator(new EventGeneratorOptions()).Generate(Events).Select(static json => (ReadOnlyMemory<byte>)json).ToList();
        await using var server = await TestServer.StartAsync();

        await AssertFreeAsync(async path =>
        {
            await using var store = await SqliteEventStore.OpenAsync(path, Cancelled);
            using var sync = Sync(server, store, StreamEndpoint.Negotiated);
            await sync.EnqueueAsync(events, Cancelled);
            return (await sync.FlushAsync(cancellationToken: Cancelled)).Acknowledged;
        });
    }

    [Fact]
    public async Task Closing_a_store_keeps_the_callers_thread_for_less_than_a_frame()
    {
        // Just less than what SQLite moves out of its log by itself: all of it is left for the end.
        var reader = new SyncEventReader();
        var events = Enumerable.Range(0, 460).Select(n => reader.Read(Encoding.UTF8.GetBytes(
            $$"""{"id":"e{{n}}","ts":"2026-01-01T00:00:00Z","type":"note.made","payload":{"text":"{{new string('x', 60_000)}}"},"payload_version":2}"""))).ToList();

        await AssertFreeAsync(async path =>
        {
            var store = await SqliteEventStore.OpenAsync(path, Cancelled);
            await store.SaveAsync(events, null, Cancelled);
            await store.DisposeAsync();
            return File.Exists(path + "-wal") ? 0 : Events;
        });
    }

    private async Task AssertFreeAsync(Func<string, Task<long>> work)
    {
        var best = TimeSpan.MaxValue;
        for (var run = 0; run < Runs && best >= Frame; run++)
        {
            using var ui = new UiThread();
            var path = Path.Combine(_folder, $"{run}.db");
            Assert.Equal(Events, await ui.RunAsync(() => work(path)));
            if (ui.LongestBlock < best) best = ui.LongestBlock;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"Longest block: {best.TotalMilliseconds:0.0} ms");
        Assert.True(best < Frame, $"The thread was kept for {best.TotalMilliseconds:0.0} ms.");
    }

    private static SyncManager Sync(TestServer server, IEventStore store, StreamEndpoint endpoint)
        => new(server.Options with { Stream = endpoint }, store, static (_, _) => ValueTask.FromResult(TestServer.Token));
}
