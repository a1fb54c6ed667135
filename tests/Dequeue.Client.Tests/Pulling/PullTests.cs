using Dequeue.Client.Tests.Servers;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;

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
    public async Task A_stream_that_is_cut_twice_is_carried_on_by_pages_from_the_last_saved_batch()
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
        Assert.Equal([Checkpoint.Beginning, TestServer.At(399), TestServer.At(799)], server.Asked);
        Assert.Equal((1, false), (result.Resumes, result.DigestVerified));
    }

    [Theory]
    [InlineData(StreamEndpoint.Negotiated)]
    [InlineData(StreamEndpoint.Gateway)]
    public async Task A_stream_that_is_cut_goes_on_as_a_stream_and_its_progress_never_goes_back(StreamEndpoint endpoint)
    {
        await using var server = await TestServer.StartAsync(1000);
        var late = server.Log[950..];
        server.Log.RemoveRange(950, 50);
        server.Script = async script =>
        {
            await script.StartAsync();
            for (var index = 0; index < 4; index++) await script.BatchAsync(index);
            server.Script = null;
            server.Log.AddRange(late);
            await script.CloseAsync();
        };
        var reports = new List<SyncProgress>();
        using var sync = new SyncManager(server.Options with { Stream = endpoint }, _store, Tokens, time: new SteppingTime());

        var result = await sync.PullAsync(new Reports(reports), Cancelled);

        Assert.Equal((SyncTransport.Stream, null, 1, 1000L, 1000L), (result.Transport, result.StreamFailure, result.Resumes, result.Events, result.Added));
        Assert.Equal([Checkpoint.Beginning, TestServer.At(399)], server.Asked);
        Assert.Equal(server.Digest(), _store.Digest());
        Assert.All(reports.Zip(reports.Skip(1)), pair => Assert.True(pair.Second.Processed >= pair.First.Processed && (pair.Second.Total ?? 0) >= (pair.First.Total ?? 0)));
        Assert.Contains(reports, report => report is { Processed: 400, Total: 950, Phase: SyncPhase.Connecting, Transport: SyncTransport.Stream });
        Assert.Contains(reports, report => report is { Processed: 500, Total: 1000, Phase: SyncPhase.Receiving });
    }

    [Fact]
    public async Task A_stream_that_wants_a_window_is_asked_again_with_it()
    {
        await using var server = await TestServer.StartAsync(1000);
        int? window = null;
        server.Script = async script =>
        {
            await script.StartAsync();
            for (var index = 0; index < 4; index++) await script.BatchAsync(index);
            server.Script = again =>
            {
                window = again.Request.Window;
                return again.BehaveAsync();
            };
            await script.SendAsync(new StreamMessage.Error("12 MB are on their way.", ErrorCodes.StreamTimeout, script.Until(3), 48).ToUtf8Bytes());
        };
        using var sync = new SyncManager(server.Options with { Window = 0 }, _store, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((SyncTransport.Stream, 1, 1000L), (result.Transport, result.Resumes, result.Added));
        Assert.Equal((48, server.Digest()), (window, _store.Digest()));
        Assert.Equal([Checkpoint.Beginning, TestServer.At(399)], server.Asked);
    }

    private sealed class Reports(List<SyncProgress> reports) : IProgress<SyncProgress>
    {
        public void Report(SyncProgress value) => reports.Add(value);
    }

    /// <summary>Each look at the clock is a second later, so that no report is thinned out.</summary>
    private sealed class SteppingTime : TimeProvider
    {
        private long _now;

        public override long GetTimestamp() => Interlocked.Add(ref _now, TimestampFrequency);
    }
}
