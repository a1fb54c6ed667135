using System.IO.Compression;
using System.Net.WebSockets;
using System.Text;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;

namespace Dequeue.EndToEnd.Tests.Gateway;

/// <summary>The two ends of a connection through the gateway.</summary>
public sealed class PacedRelayTests
{
    private const int Batches = 200;

    /// <summary>What the buffers of two sockets on one machine may hold, in batches of 1 MB.</summary>
    private const int OnTheWay = 16;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Only_what_the_client_s_socket_has_taken_is_acknowledged_and_a_window_is_held_at_most()
    {
        var (windowSent, read, acknowledged, most) = (new TaskCompletionSource(), 0, -1, 0);
        await using var gateway = await ScriptedPubSub.StartAsync(async (socket, token) =>
        {
            var request = (StreamRequestReading.Accepted)StreamRequest.Read(Encoding.UTF8.GetBytes((await ScriptedPubSub.ReceiveAsync(socket, token))!));
            Assert.Equal((32, "gzip"), (request.Request.Window, request.Request.Encodings.Single()));
            for (var index = 0; index < Batches; index++)
            {
                if (index == 32) windowSent.SetResult();
                while (index - acknowledged > 32)
                {
                    var ack = StreamAck.Read(Encoding.UTF8.GetBytes((await ScriptedPubSub.ReceiveAsync(socket, token))!), typeIsKnown: false, out _)!;
                    acknowledged = ack.BatchIndex;
                    most = Math.Max(most, acknowledged + 1 - Volatile.Read(ref read));
                }

                await ScriptedPubSub.SendAsync(socket, Batch(index), token);
            }

            while (await ScriptedPubSub.ReceiveAsync(socket, token) is not null)
            {
            }
        });
        using var client = await OpenAsync(gateway);
        await ScriptedPubSub.SendAsync(client, """{"type":"sync.stream.request"}"""u8.ToArray(), Cancel);

        // Web PubSub has sent all that it may before the client reads its first byte.
        await windowSent.Task.WaitAsync(Cancel);
        for (; read < Batches; Interlocked.Increment(ref read))
            Assert.StartsWith($$"""{"type":"sync.stream.batch","batchIndex":{{read}},""", await ScriptedPubSub.ReceiveAsync(client, Cancel), StringComparison.Ordinal);

        Assert.InRange(most, 0, OnTheWay);
    }

    [Fact]
    public async Task The_client_s_goodbye_reaches_Web_PubSub()
    {
        var heard = new TaskCompletionSource<WebSocketCloseStatus?>();
        await using var gateway = await ScriptedPubSub.StartAsync(async (socket, token) =>
        {
            await ScriptedPubSub.ReceiveAsync(socket, token);
            heard.SetResult(socket.CloseStatus);
        });
        using var client = await OpenAsync(gateway);

        await client.CloseAsync(WebSocketCloseStatus.EndpointUnavailable, null, Cancel);

        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, await heard.Task.WaitAsync(Cancel));
        Assert.Equal(WebSocketState.Closed, client.State);
    }

    [Fact]
    public async Task A_client_that_is_lost_is_lost_to_Web_PubSub_too()
    {
        var lost = new TaskCompletionSource();
        await using var gateway = await ScriptedPubSub.StartAsync(async (socket, token) =>
        {
            await Assert.ThrowsAnyAsync<Exception>(() => ScriptedPubSub.ReceiveAsync(socket, token));
            lost.SetResult();
        });
        var client = await OpenAsync(gateway);

        client.Abort();

        await lost.Task.WaitAsync(Guard.Time, Cancel);
        client.Dispose();
    }

    [Fact]
    public async Task Web_PubSub_s_own_code_reaches_the_client_after_what_it_sent_before()
    {
        await using var gateway = await ScriptedPubSub.StartAsync(async (socket, token) =>
        {
            await ScriptedPubSub.SendAsync(socket, "one"u8.ToArray(), token);
            await socket.CloseAsync(WebSocketCloseStatus.PolicyViolation, "too slow", token);
        });
        using var client = await OpenAsync(gateway);

        Assert.Equal("one", await ScriptedPubSub.ReceiveAsync(client, Cancel));
        Assert.Null(await ScriptedPubSub.ReceiveAsync(client, Cancel));
        Assert.Equal((WebSocketCloseStatus.PolicyViolation, "too slow"), (client.CloseStatus!.Value, client.CloseStatusDescription));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_lost_or_damaged_stream_is_told_by_a_code(bool isDamaged)
    {
        await using var gateway = await ScriptedPubSub.StartAsync(async (socket, token) =>
        {
            await ScriptedPubSub.ReceiveAsync(socket, token);
            if (isDamaged) await ScriptedPubSub.SendAsync(socket, Batch(0)[..^9], token);
            else socket.Abort();
            if (isDamaged) await Assert.ThrowsAnyAsync<Exception>(() => ScriptedPubSub.ReceiveAsync(socket, token));
        });
        using var client = await OpenAsync(gateway);
        await ScriptedPubSub.SendAsync(client, """{"type":"sync.stream.request"}"""u8.ToArray(), Cancel);

        Assert.Null(await ScriptedPubSub.ReceiveAsync(client, Cancel));
        Assert.Equal(WebSocketCloseStatus.InternalServerError, client.CloseStatus);
    }

    [Fact]
    public async Task A_gateway_that_stops_says_goodbye()
    {
        await using var gateway = await ScriptedPubSub.StartAsync(async (socket, token) =>
            await Assert.ThrowsAnyAsync<Exception>(() => ScriptedPubSub.ReceiveAsync(socket, token)));
        using var client = await OpenAsync(gateway);
        var heard = ScriptedPubSub.ReceiveAsync(client, Cancel);

        var stopping = gateway.StopAsync();

        Assert.Null(await heard);
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, client.CloseStatus);
        await client.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Cancel);
        await stopping;
    }

    [Fact]
    public async Task A_gateway_that_stops_lets_a_stream_come_to_its_end()
    {
        var (asked, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var gateway = await ScriptedPubSub.StartAsync(async (socket, token) =>
        {
            await ScriptedPubSub.ReceiveAsync(socket, token);
            asked.SetResult();
            await goOn.Task;
            await ScriptedPubSub.SendAsync(socket, Batch(0), token);
            await ScriptedPubSub.SendAsync(socket, new StreamMessage.Complete(1, Checkpoint.Beginning).ToUtf8Bytes(), token);
            await Assert.ThrowsAnyAsync<Exception>(() => ScriptedPubSub.ReceiveAsync(socket, token));
        });
        using var client = await OpenAsync(gateway);
        await ScriptedPubSub.SendAsync(client, """{"type":"sync.stream.request"}"""u8.ToArray(), Cancel);
        await asked.Task.WaitAsync(Cancel);

        var stopping = gateway.StopAsync();
        goOn.SetResult();

        Assert.StartsWith("""{"type":"sync.stream.batch""", await ScriptedPubSub.ReceiveAsync(client, Cancel), StringComparison.Ordinal);
        Assert.StartsWith("""{"type":"sync.stream.complete""", await ScriptedPubSub.ReceiveAsync(client, Cancel), StringComparison.Ordinal);
        Assert.Null(await ScriptedPubSub.ReceiveAsync(client, Cancel));
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, client.CloseStatus);
        await client.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Cancel);
        await stopping;
    }

    [Fact]
    public async Task A_Web_PubSub_that_refuses_is_told_before_the_upgrade()
    {
        await using var gateway = await ScriptedPubSub.StartAsync(null);
        using var client = new ClientWebSocket();
        client.Options.CollectHttpResponseDetails = true;

        await Assert.ThrowsAsync<WebSocketException>(() => client.ConnectAsync(gateway.StreamUrl, Cancel));

        Assert.Equal(503, (int)client.HttpStatusCode);
    }

    private static async Task<ClientWebSocket> OpenAsync(ScriptedPubSub gateway)
    {
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(gateway.StreamUrl, Cancel);
        return socket;
    }

    private static byte[] Batch(int index)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest))
        {
            gzip.Write(BatchFrame.Prefix(new BatchHead(index, index == Batches - 1, Checkpoint.Beginning)));
            gzip.Write(Encoding.ASCII.GetBytes($$"""{"x":"{{new string('x', 1_000_000)}}"}"""));
            gzip.Write(BatchFrame.Suffix);
        }

        return output.ToArray();
    }
}
