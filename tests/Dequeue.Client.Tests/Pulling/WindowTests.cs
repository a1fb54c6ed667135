using System.Net.WebSockets;
using Dequeue.Client.Tests.Servers;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;

namespace Dequeue.Client.Tests.Pulling;

/// <summary>Flow control: a client acknowledges what it has saved, and only that.</summary>
public sealed class WindowTests
{
    private static readonly TokenProvider Tokens = static (_, _) => ValueTask.FromResult(TestServer.Token);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(1000)]
    public async Task A_slow_store_is_never_more_than_a_window_behind(int window)
    {
        await using var server = await TestServer.StartAsync(2000);
        server.BatchSize = 50;
        var (store, mostBehind) = (new SlowStore(), 0);
        server.Script = async script =>
        {
            Assert.Equal(window, script.Request.Window);
            await script.StartAsync();
            var acknowledged = -1;
            for (var index = 0; index < script.Batches; index++)
            {
                // The server's side of a window: it sends no more than so many batches ahead.
                while (index - acknowledged > window)
                {
                    acknowledged = await script.AcknowledgedAsync();
                    Assert.InRange(acknowledged, 0, store.Saves - 1);
                }

                await script.BatchAsync(index);
                mostBehind = Math.Max(mostBehind, index + 1 - store.Saves);
            }

            await script.CompleteAsync();
        };
        using var sync = new SyncManager(server.Options with { Window = window }, store, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((SyncTransport.Stream, null, true), (result.Transport, result.StreamFailure, result.DigestVerified));
        Assert.InRange(mostBehind, 1, window);
        Assert.Equal(server.Digest(), store.Inner.Digest());
    }

    [Fact]
    public async Task Batches_that_come_again_are_acknowledged_again()
    {
        await using var server = await TestServer.StartAsync(600);
        List<int> acknowledged = [];
        server.Script = async script =>
        {
            await script.StartAsync();
            for (var index = 0; index < 4; index++) await script.BatchAsync(index);
            for (var i = 0; i < 2; i++) acknowledged.Add(await script.AcknowledgedAsync());

            // The step died before it read them: it sends its batches again, and waits.
            await script.BatchAsync(2);
            acknowledged.Add(await script.AcknowledgedAsync());
            await script.BatchAsync(3);
            for (var index = 4; index < script.Batches; index++) await script.BatchAsync(index);
            await script.CompleteAsync();
        };
        var store = new InMemoryEventStore();
        using var sync = new SyncManager(server.Options with { Window = 8 }, store, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal([1, 3, 3], acknowledged);
        Assert.Equal((SyncTransport.Stream, 600), (result.Transport, (int)result.Events));
    }

    [Theory]
    [InlineData("gzip", 1000, 64)]
    [InlineData("", 1000, 16)]
    [InlineData("gzip", 100, 640)]
    [InlineData("", 1, 1000)]
    public async Task About_5_MB_are_asked_for_ahead_unless_an_app_wants_something_else(string encoding, int batchSize, int window)
    {
        await using var server = await TestServer.StartAsync(600);
        int? asked = null;
        server.Script = script =>
        {
            asked = script.Request.Window;
            return script.BehaveAsync();
        };
        var options = server.Options with { Window = null, Encodings = encoding.Length > 0 ? [encoding] : [], BatchSize = batchSize };
        using var sync = new SyncManager(options, new InMemoryEventStore(), Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((window, SyncTransport.Stream), (asked, result.Transport));
    }

    [Fact]
    public async Task Without_a_window_nothing_is_acknowledged_and_the_request_is_what_it_was()
    {
        await using var server = await TestServer.StartAsync(600);
        var later = "";
        server.Script = async script =>
        {
            Assert.Equal(
                """{"type":"sync.stream.request","since":"1970-01-01T00:00:00.0000000Z","position":0,"encodings":["gzip"]}""",
                System.Text.Encoding.UTF8.GetString(script.Request.ToUtf8Bytes()));
            await script.BehaveAsync();
            var buffer = new byte[100];
            later = "the end";
            try
            {
                var next = await script.Socket.ReceiveAsync(buffer, script.Gone);
                if (next.MessageType != WebSocketMessageType.Close) later = System.Text.Encoding.UTF8.GetString(buffer, 0, next.Count);
            }
            catch (Exception gone) when (gone is WebSocketException or OperationCanceledException or IOException)
            {
                // The client does not wait long for an answer to its goodbye.
            }
        };
        using var sync = new SyncManager(server.Options with { Window = 0 }, new InMemoryEventStore(), Tokens);

        await sync.PullAsync(cancellationToken: Cancelled);

        await server.NoSocketsAsync();
        Assert.Equal("the end", later);
    }

    private sealed class SlowStore : IEventStore
    {
        private int _saves;

        public InMemoryEventStore Inner { get; } = new();

        public int Saves => Volatile.Read(ref _saves);

        public ValueTask<StorePosition> LoadAsync(CancellationToken cancellationToken) => Inner.LoadAsync(cancellationToken);

        public async ValueTask<IReadOnlyList<SyncEvent>> SaveAsync(IReadOnlyList<SyncEvent> events, Checkpoint? checkpoint, CancellationToken cancellationToken)
        {
            // Long enough for whatever the server may send to have come.
            await Task.Delay(1, cancellationToken);
            var added = await Inner.SaveAsync(events, checkpoint, cancellationToken);
            Interlocked.Increment(ref _saves);
            return added;
        }

        public ValueTask RewindAsync(StorePosition position, CancellationToken cancellationToken) => Inner.RewindAsync(position, cancellationToken);
    }
}
