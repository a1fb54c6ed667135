using System.Net;
using System.Text;
using Dequeue.Client.Tests.Servers;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace Dequeue.Client.Tests;

public sealed class SyncManagerTests
{
    private static readonly TokenProvider Tokens = static (_, _) => ValueTask.FromResult(TestServer.Token);
    private readonly InMemoryEventStore _store = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(StreamEndpoint.Negotiated, SyncTransport.Stream)]
    [InlineData(StreamEndpoint.Gateway, SyncTransport.Stream)]
    [InlineData(StreamEndpoint.None, SyncTransport.Rest)]
    public async Task An_expired_token_is_asked_for_again_once(StreamEndpoint endpoint, SyncTransport transport)
    {
        await using var server = await TestServer.StartAsync(100);
        List<bool> asked = [];
        using var sync = new SyncManager(server.Options with { Stream = endpoint }, _store, (refused, _) =>
        {
            asked.Add(refused);
            return ValueTask.FromResult(refused ? TestServer.Token : "expired");
        });

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal(transport, result.Transport);
        Assert.Equal([false, true], asked);
        Assert.Equal(100, result.Added);
    }

    [Fact]
    public async Task A_token_that_is_not_renewed_in_time_fails_the_call_and_is_no_cancellation()
    {
        await using var server = await TestServer.StartAsync(1);
        var options = server.Options with
        {
            Stream = StreamEndpoint.Gateway, ConnectTimeout = TimeSpan.FromSeconds(1), RequestTimeout = TimeSpan.FromSeconds(5),
        };
        using var sync = new SyncManager(options, _store, async (refused, token) =>
        {
            if (refused) await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return "expired";
        });

        var failed = await Assert.ThrowsAsync<SyncFailedException>(() => sync.PullAsync(cancellationToken: Cancelled));

        Assert.Equal(SyncFailureKind.Unauthorized, failed.Failure.Kind);
    }

    [Fact]
    public async Task A_token_goes_to_the_server_alone()
    {
        await using var server = await TestServer.StartAsync(10);
        Dictionary<string, string> headers = [];
        server.Intercept = context =>
        {
            headers[context.Request.Path] = context.Request.Headers.Authorization.ToString();
            return Task.FromResult(false);
        };
        using var sync = new SyncManager(server.Options, _store, Tokens);

        await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal("", headers["/client/hubs/sync"]);
        Assert.Equal($"Bearer {TestServer.Token}", headers["/apps/dequeue/sync/stream/negotiate"]);
    }

    [Fact]
    public async Task Without_an_app_the_default_calls_are_made()
    {
        await using var server = await TestServer.StartAsync(10);
        server.Script = static script => script.CloseAsync();
        using var sync = new SyncManager(server.Options with { App = null, RequestAsText = true }, _store, Tokens);

        await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal(
            ["POST /v1/sync/stream/negotiate", "WS /client/hubs/sync", "POST /v1/sync/stream/negotiate", "WS /client/hubs/sync", "POST /v1/sync/pull"],
            server.Calls);
    }

    [Fact]
    public async Task Progress_never_runs_back_or_above_all_and_ends_complete()
    {
        await using var server = await TestServer.StartAsync(5000);
        var reports = new Reports();
        using var sync = new SyncManager(server.Options, _store, Tokens);

        await sync.PullAsync(reports, Cancelled);

        Assert.Equal((SyncPhase.Connecting, null), (reports.All[0].Phase, reports.All[0].Total));
        Assert.Null(reports.All[0].Fraction);
        Assert.Equal((SyncPhase.Completed, 5000, 5000, 1.0), (reports.All[^1].Phase, reports.All[^1].Processed, reports.All[^1].Total, reports.All[^1].Fraction));
        Assert.Equal(reports.All.Select(report => report.Processed).Order(), reports.All.Select(report => report.Processed));
        Assert.All(reports.All, static report => Assert.True(report.Fraction is null or <= 1));
    }

    [Fact]
    public void Reports_come_at_most_ten_times_a_second_besides_the_first_and_the_last()
    {
        var (reports, time) = (new Reports(), new FakeTimeProvider());
        var meter = new ProgressMeter(reports, time);
        meter.Report(SyncPhase.Connecting, 0, null, 0, SyncTransport.Stream);
        for (var i = 1; i <= 1000; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            meter.Report(SyncPhase.Receiving, i, 500, i, SyncTransport.Stream);
        }

        meter.Report(SyncPhase.Completed, 1000, 1000, 1000, SyncTransport.Stream);

        Assert.Equal(12, reports.All.Count);
        Assert.All(reports.All, static report => Assert.True(report.Fraction is null or <= 1));
        Assert.Equal(1000, reports.All[^1].EventsPerSecond);
    }

    [Fact]
    public async Task The_shipped_apps_filter_drops_what_the_app_drops()
    {
        await using var server = await TestServer.StartAsync();
        using var sync = new SyncManager(server.Options with { Filter = EventFilter.ShippedApp, DeviceId = "me" }, _store, Tokens);
        server.Log.AddRange([Event("first-own", "me"), Event("old", "you", version: "1"), Event("none", "you", version: "null"), Event("kept", "you")]);

        var first = await sync.PullAsync(cancellationToken: Cancelled);
        server.Log.AddRange([Event("own", "me"), Event("bare", "you", payload: "[]"), """{"type":"x"}"""u8.ToArray(), Event("next", "you")]);
        var second = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((4, 2, 4, 1), (first.Events, first.Added, second.Events, second.Added));
        Assert.True(_store.Contains("first-own") && _store.Contains("kept") && _store.Contains("next"));
    }

    [Fact]
    public async Task A_first_sync_that_goes_on_still_brings_the_devices_own_events()
    {
        await using var server = await TestServer.StartAsync();
        await _store.SaveAsync([], TestServer.At(0), Cancelled);
        server.Log.AddRange([Event("seen", "me"), Event("own", "me")]);
        using var sync = new SyncManager(server.Options with { Filter = EventFilter.ShippedApp, DeviceId = "me", IsFirstSync = true }, _store, Tokens);

        await sync.PullAsync(cancellationToken: Cancelled);

        Assert.True(_store.Contains("own"));
    }

    [Fact]
    public async Task A_mirror_keeps_every_event_that_has_an_id_byte_for_byte()
    {
        await using var server = await TestServer.StartAsync();
        server.Log.AddRange([
            Encoding.UTF8.GetBytes("""{"id":"a","n":1.0,"big":123456789012345678901234567890,"esc":"\u00e9\/","raw":"é😀","x":null}"""),
            Encoding.UTF8.GetBytes("""{"\u0069d":"b","nested":{"id":"other","events":[{"type":"sync.stream.complete"}]}}""")]);
        using var sync = new SyncManager(server.Options, _store, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((SyncTransport.Stream, 2), (result.Transport, (int)result.Added));
        Assert.Equal(server.Log, _store.Events.Select(json => json.ToArray()));
        Assert.True(_store.Contains("a") && _store.Contains("b"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Cancelling_at_any_stage_leaves_nothing_behind(int stage)
    {
        await using var server = await TestServer.StartAsync(1000);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        server.Intercept = async context =>
        {
            if (stage == 0 && context.Request.Path.Value!.EndsWith("/negotiate", StringComparison.Ordinal)
                || stage == 1 && context.WebSockets.IsWebSocketRequest)
            {
                await stop.CancelAsync();
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(static _ => { }, TaskScheduler.Default);
                return true;
            }

            return false;
        };
        server.Script = async script =>
        {
            await script.StartAsync();
            await script.BatchAsync(0);
            if (stage == 2) await stop.CancelAsync();
            for (var index = 1; index < script.Batches; index++) await script.BatchAsync(index);
            await stop.CancelAsync();
        };
        var time = new CountingTime();
        using (var sync = new SyncManager(server.Options, _store, Tokens, time: time))
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sync.PullAsync(cancellationToken: stop.Token));
        }

        await time.NoTimersAsync();
        await server.NoSocketsAsync();
    }

    [Fact]
    public async Task Pulls_of_one_manager_run_one_after_the_other()
    {
        await using var server = await TestServer.StartAsync(1000);
        using var sync = new SyncManager(server.Options, _store, Tokens);

        var results = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => sync.PullAsync(cancellationToken: Cancelled)));

        Assert.Equal([0, 0, 0, 1000], results.Select(result => result.Added).Order());
        Assert.Equal(server.Digest(), _store.Digest());
    }

    [Fact]
    public async Task A_stream_without_a_digest_or_checkpoints_is_good_enough()
    {
        await using var server = await TestServer.StartAsync(300);
        server.Script = static async script =>
        {
            await script.StartAsync();
            for (var index = 0; index < script.Batches; index++) await script.SendAsync(script.Batch(index, withCheckpoint: false), asText: true);
            await script.SendAsync(script.Complete(withDigest: false));
        };
        using var sync = new SyncManager(server.Options, _store, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((SyncTransport.Stream, false, server.Head), (result.Transport, result.DigestVerified, result.Checkpoint));
        Assert.Equal(server.Digest(), _store.Digest());
    }

    [Fact]
    public async Task Calls_and_streams_go_through_the_proxy_that_is_set()
    {
        await using var server = await TestServer.StartAsync(300);
        await using var proxy = new ForwardProxy(server.Address);
        // A host that only the proxy can reach.
        server.Intercept = async context =>
        {
            if (!context.Request.Path.Value!.EndsWith("/negotiate", StringComparison.Ordinal)) return false;
            await context.Response.WriteAsync("""{"url":"ws://hub.invalid/client/hubs/sync","expiresAt":"2026-11-22T08:15:30Z"}""");
            return true;
        };
        using var sync = new SyncManager(
            server.Options with { Server = new Uri("http://server.invalid"), Proxy = new WebProxy(proxy.Address) }, _store, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((SyncTransport.Stream, 300), (result.Transport, (int)result.Added));
        Assert.Equal(["POST http://server.invalid/apps/dequeue/sync/stream/negotiate HTTP/1.1", "CONNECT hub.invalid:80 HTTP/1.1"], proxy.Requests);
    }

    [Fact]
    public void Options_that_make_no_sense_are_refused()
    {
        var good = new SyncOptions { Server = new Uri("https://sync.example") };
        SyncOptions[] bad =
        [
            good with { Server = new Uri("/relative", UriKind.Relative) },
            good with { Server = new Uri("ftp://sync.example") },
            good with { PageSize = 0 },
            good with { PageSize = 1001 },
            good with { MaxAttempts = 0 },
            good with { IdleTimeout = TimeSpan.Zero },
            good with { IdleTimeout = TimeSpan.MaxValue },
            good with { CatchUpInterval = Timeout.InfiniteTimeSpan },
            good with { MaxRetryAfter = TimeSpan.FromSeconds(-1) },
            good with { MaxRetryAfter = TimeSpan.FromDays(41) },
            good with { MaxMessageBytes = 0 },
            good with { Window = -1 },
            good with { Window = 1001 },
            good with { BatchSize = 0 },
            good with { BatchSize = 1001 },
            good with { Priority = new StreamPriority([], false) },
            good with { Priority = new StreamPriority([""], true) },
            good with { Priority = new StreamPriority([new string('é', 129)], false) },
            good with { Priority = new StreamPriority(["\uD800"], false) },
            good with { Compact = new StreamCompact { Keep = [""] } },
            good with { Compact = new StreamCompact { Keep = [.. Enumerable.Repeat("a.b", 101)] } },
            good with { Compact = new StreamCompact(), Filter = EventFilter.ShippedApp },
            good with { Priority = new StreamPriority([.. Enumerable.Range(0, 101).Select(static i => $"task-{i}")], false) },
        ];
        Assert.All(bad, options => Assert.ThrowsAny<ArgumentException>(() => new SyncManager(options, _store, Tokens)));
        new SyncManager(good with { Window = 1000, BatchSize = 1, Priority = new StreamPriority([new string('é', 128)], false) }, _store, Tokens).Dispose();
    }

    [Theory]
    [InlineData("https://host", "https://host/v1/sync/pull", "wss://host/v1/sync/stream")]
    [InlineData("http://host:7071/", "http://host:7071/v1/sync/pull", "ws://host:7071/v1/sync/stream")]
    [InlineData("https://host/prefix/?q", "https://host/prefix/v1/sync/pull", "wss://host/prefix/v1/sync/stream")]
    public void A_prefix_of_the_servers_address_is_kept(string server, string pull, string stream)
    {
        var options = new SyncOptions { Server = new Uri(server) };
        Assert.Equal(new Uri(pull), options.SyncCall("pull"));
        Assert.Equal(new Uri(stream), options.WebSocketAddress("/v1/sync/stream"));
    }

    private static byte[] Event(string id, string device, string version = "2", string payload = "{}")
        => Encoding.UTF8.GetBytes(
            $$"""{"id":"{{id}}","device_id":"{{device}}","ts":"2026-01-01T00:00:00Z","type":"task.created","payload":{{payload}},"payload_version":{{version}}}""");

    private sealed class Reports : IProgress<SyncProgress>
    {
        public List<SyncProgress> All { get; } = [];

        public void Report(SyncProgress value) => All.Add(value);
    }
}
