using System.Net.WebSockets;
using Dequeue.Cli.Links;
using Dequeue.Client;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.ShippedApp;
using Dequeue.EndToEnd.Tests.Streaming;

namespace Dequeue.EndToEnd.Tests.Gateway;

/// <summary>The gateway paces for clients that cannot acknowledge.</summary>
public sealed class GatewayTests(Backend backend)
{
    private const string Request = """{"type":"sync.stream.request"}""";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_shipped_app_gets_a_history_that_the_link_carries_slower_than_the_server_sends_as_one_stream()
    {
        var user = backend.NewUser();
        await PushAsync(user, 16_000, 2_200);
        await using var link = new SlowLink(backend.Address, TimeSpan.FromMilliseconds(50), megabitsPerSecond: 100);
        var app = new ShippedAppClient(new UriBuilder(link.Address) { Scheme = "ws", Path = "/v1/sync/stream" }.Uri, backend.Http, user.Token);

        var streamed = await app.SyncAsync(Cancel);

        // 37 MB: twice what Web PubSub holds for a client before it cuts it.
        Assert.True(streamed);
        Assert.InRange(link.BytesBack, 34_000_000, long.MaxValue);
        Assert.Equal((16_000, 16_000L, 1), (app.Applied.Count, app.Processed, app.LastBatches));
    }

    [Fact]
    public async Task Through_the_gateway_a_bare_client_gets_the_very_frames_that_Web_PubSub_would_have_given_it()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(4_321);
        using var negotiated = await user.PostAsync("/v1/sync/stream/negotiate", "");
        await using var direct = await RawStream.OpenAsync(new Uri((await TestUser.JsonOf(negotiated)).GetProperty("url").GetString()!));
        await using var paced = await RawStream.OpenAsync(user.StreamUrl, user.Token);

        foreach (var request in new[] { Request, """{"type":"sync.stream.request","batchSize":70,"delta":true}""", """{"type":"sync.stream.request","priority":{"active":true}}""" })
        {
            await direct.SendAsync(request);
            await paced.SendAsync(request);
            var (expected, actual) = (await direct.ReceiveUntilAsync("sync.stream.complete"), await paced.ReceiveUntilAsync("sync.stream.complete"));

            Assert.Equal(expected.Select(message => message.GetRawText()), actual.Select(message => message.GetRawText()));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Frames_are_deflated_for_a_client_that_offers_it_and_for_no_other(bool offers)
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(3_000);
        await using var link = new SlowLink(backend.Address, TimeSpan.Zero);
        var extensions = "";
        var options = new SyncOptions
        {
            Server = link.Address,
            Stream = StreamEndpoint.Gateway,
            Encodings = [],
            Window = 0,
            ConfigureWebSocket = socket => socket.DangerousDeflateOptions = offers ? new WebSocketDeflateOptions() : null,
        };
        using (var probe = new ClientWebSocket())
        {
            probe.Options.CollectHttpResponseDetails = true;
            probe.Options.SetRequestHeader("Authorization", "Bearer " + user.Token);
            options.ConfigureWebSocket(probe.Options);
            await probe.ConnectAsync(user.StreamUrl, Cancel);
            if (probe.HttpResponseHeaders!.TryGetValue("Sec-WebSocket-Extensions", out var values)) extensions = string.Join(',', values);
        }

        using var device = new SyncManager(options, new InMemoryEventStore(), (_, _) => ValueTask.FromResult(user.Token));
        var result = await device.PullAsync(null, Cancel);

        Assert.Equal((SyncTransport.Stream, 3_000L, true), (result.Transport, result.Events, result.DigestVerified));
        Assert.Equal(offers, extensions.Contains("permessage-deflate", StringComparison.Ordinal));
        Assert.Equal(offers, link.BytesBack < result.Bytes / 4);
    }

    [Fact]
    public async Task What_the_client_asks_for_itself_comes_as_it_asked()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(3_000);
        await using var stream = await RawStream.OpenAsync(user.StreamUrl, user.Token);

        await stream.SendAsync("""{"type":"sync.stream.request","window":2,"encodings":["gzip"],"batchSize":500}""");
        var start = (await stream.ReceiveAsync()).Message;
        for (var i = 0; i < 2; i++) Assert.Equal("sync.stream.batch", RawStream.TypeOf((await stream.ReceiveAsync()).Message));
        await stream.SendAsync("""{"type":"sync.stream.ack"}""");
        var refused = (await stream.ReceiveAsync()).Message;
        await stream.SendAsync(WindowClient.Ack(1));
        var next = (await stream.ReceiveAsync()).Message;

        Assert.Equal("gzip", start.GetProperty("encoding").GetString());
        Assert.Equal("sync.stream.refused", RawStream.TypeOf(refused));
        Assert.Equal(2, next.GetProperty("batchIndex").GetInt32());
    }

    [Fact]
    public async Task A_client_that_asks_for_an_encoding_alone_gets_it()
    {
        // More than a window of the gateway's: without its acknowledgements it would stop.
        const int Count = 34_000;
        var user = backend.NewUser();
        await PushAsync(user, Count, 20);
        foreach (var encoding in new[] { "gzip", "br", "zstd" })
        {
            var options = new SyncOptions { Server = backend.Address, Stream = StreamEndpoint.Gateway, Encodings = [encoding], Window = 0 };
            using var device = new SyncManager(options, new InMemoryEventStore(), (_, _) => ValueTask.FromResult(user.Token));

            var result = await device.PullAsync(null, Cancel);

            Assert.Equal((SyncTransport.Stream, Count, true), (result.Transport, (int)result.Events, result.DigestVerified));
        }
    }

    [Fact]
    public async Task A_live_stream_goes_on_and_takes_a_push_and_a_second_request()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(1_500);
        await using var stream = await RawStream.OpenAsync(user.StreamUrl, user.Token);
        await stream.SendAsync("""{"type":"sync.stream.request","live":true}""");
        await stream.ReceiveUntilAsync("sync.stream.complete");

        await stream.SendAsync("""{"events":[{"id":"one","user_id":"","device_id":"d","app_id":"dequeue","ts":"2026-01-01T00:00:00Z","type":"tag.deleted","payload":{},"payload_version":2}]}""");
        var answers = new[] { (await stream.ReceiveAsync()).Message, (await stream.ReceiveAsync()).Message };
        await stream.SendAsync(Request, asText: true);
        var again = await stream.ReceiveUntilAsync("sync.stream.complete");

        Assert.Single(answers, answer => answer.TryGetProperty("acknowledged", out var ids) && ids[0].GetString() == "one");
        Assert.Single(answers, answer => answer.TryGetProperty("before", out var before) && before.GetInt32() == 1_500);
        Assert.Equal(1_501, again[^1].GetProperty("processedEvents").GetInt32());
    }

    [Theory]
    [InlineData("json.webpubsub.azure.v1")]
    [InlineData("json.reliable.webpubsub.azure.v1")]
    public async Task An_SDK_client_is_forwarded_as_it_is(string subprotocol)
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(10);
        await using var stream = await RawStream.OpenAsync(user.StreamUrl, user.Token, subprotocol);
        Assert.Equal("connected", (await stream.ReceiveAsync()).Message.GetProperty("event").GetString());

        await stream.SendAsync("""{"type":"event","event":"sync.stream.request","dataType":"json","data":{}}""", asText: true);

        await stream.ReceiveUntilAsync("sync.stream.complete");
    }

    [Fact]
    public async Task A_message_that_Web_PubSub_would_not_take_ends_the_connection()
    {
        using var socket = await OpenAsync(backend.NewUser());
        await socket.SendAsync(new byte[1024 * 1024 + 1], WebSocketMessageType.Binary, true, Cancel);
        Assert.Equal(WebSocketMessageType.Close, (await socket.ReceiveAsync(new byte[10], Cancel)).MessageType);
        Assert.Equal(WebSocketCloseStatus.MessageTooBig, socket.CloseStatus);
    }

    private static async Task<ClientWebSocket> OpenAsync(TestUser user)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", "Bearer " + user.Token);
        await socket.ConnectAsync(user.StreamUrl, Cancel);
        return socket;
    }

    /// <summary>Pushes events whose payloads are long, and compress well.</summary>
    private static async Task PushAsync(TestUser user, int count, int length)
    {
        var filler = new string('x', length);
        foreach (var chunk in Enumerable.Range(0, count).Chunk(1000))
        {
            var events = chunk.Select(i => $$$"""{"id":"event-{{{i}}}","user_id":"","device_id":"d","app_id":"dequeue","ts":"2026-01-01T00:00:00Z","type":"t","payload":{"x":"{{{filler}}}"},"payload_version":2}""");
            using var answer = await user.PostAsync("/v1/sync/push", $$"""{"events":[{{string.Join(',', events)}}]}""");
            answer.EnsureSuccessStatusCode();
        }
    }
}
