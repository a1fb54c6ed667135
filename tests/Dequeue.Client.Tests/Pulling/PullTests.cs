using Dequeue.Client.Tests.Servers;
using Dequeue.Contracts;

namespace Dequeue.Client.Tests.Pulling;

public sealed class PullTests
{
    private static readonly TokenProvider Tokens = static (_, _) => ValueTask.FromResult(TestServer.Token);
    private readonly InMemoryEventStore _store = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, StreamEndpoint.Negotiated)]
    [InlineData(1, StreamEndpoint.Negotiated)]
    [InlineData(100, StreamEndpoint.Negotiated)]
    [InlineData(2501, StreamEndpoint.Negotiated)]
    [InlineData(2501, StreamEndpoint.Gateway)]
    [InlineData(2501, StreamEndpoint.None)]
    [InlineData(0, StreamEndpoint.None)]
    public async Task A_fresh_device_gets_the_whole_history_and_nothing_the_second_time(int events, StreamEndpoint endpoint)
    {
        await using var server = await TestServer.StartAsync(events);
        using var sync = new SyncManager(server.Options with { Stream = endpoint }, _store, Tokens);

        var first = await sync.PullAsync(cancellationToken: Cancelled);
        var second = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((events, events), (first.Events, first.Added));
        Assert.Equal((0, 0), (second.Events, second.Added));
        Assert.Equal(endpoint == StreamEndpoint.None ? SyncTransport.Rest : SyncTransport.Stream, first.Transport);
        Assert.Null(first.StreamFailure);
        Assert.Equal(endpoint != StreamEndpoint.None, first.DigestVerified);
        Assert.Equal(events == 0 ? Checkpoint.Beginning : server.Head, second.Checkpoint);
        Assert.Equal(server.Digest(), _store.Digest());
    }

    [Fact]
    public async Task A_cut_stream_is_carried_on_by_pages_from_the_last_saved_batch()
    {
        await using var server = await TestServer.StartAsync(1000);
        server.Script = async script =>
        {
            await script.StartAsync();
            for (var index = 0; index < 4; index++) await script.BatchAsync(index);
            await script.CloseAsync();
        };
        using var sync = new SyncManager(server.Options, _store, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal(SyncTransport.Rest, result.Transport);
        Assert.Equal(SyncFailureKind.Unreachable, result.StreamFailure!.Kind);
        Assert.Equal(server.Digest(), _store.Digest());
        Assert.Equal(1000, result.Events);
        Assert.Equal([Checkpoint.Beginning, TestServer.At(399)], server.Asked);
    }
}
