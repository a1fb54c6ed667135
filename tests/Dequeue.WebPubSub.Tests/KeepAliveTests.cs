using System.Net.Sockets;
using System.Text;
using Dequeue.WebPubSub;

namespace Dequeue.WebPubSub.Tests;

public sealed class KeepAliveTests
{
    private const byte Ping = 0x89;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_client_that_answers_pings_stays_and_one_that_stops_is_dropped()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel, new WebPubSubServerOptions
        {
            Port = 0,
            KeepAliveInterval = TimeSpan.FromMilliseconds(200),
            KeepAliveTimeout = TimeSpan.FromSeconds(5),
        });
        using var tcp = new TcpClient();
        await tcp.ConnectAsync("localhost", service.Server.Endpoint.Port, Cancel);
        var stream = tcp.GetStream();
        var url = await service.UrlAsync("ann");
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes($"GET {url.PathAndQuery} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n"),
            Cancel);
        await ReadHeadersAsync(stream);

        for (var i = 0; i < 10; i++)
        {
            var payload = await ReadPingAsync(stream);
            // A pong of the same payload; a client's frame is masked, here with zeros.
            await stream.WriteAsync(new byte[] { 0x8a, (byte)(0x80 | payload.Length), 0, 0, 0, 0 }.Concat(payload).ToArray(), Cancel);
        }

        Assert.True(await service.Client.UserExistsAsync("ann"));
        await Wait.UntilAsync(async () => !await service.Client.UserExistsAsync("ann"), Cancel);
    }

    private static async Task ReadHeadersAsync(NetworkStream stream)
    {
        var text = "";
        var one = new byte[1];
        while (!text.EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, Cancel);
            text += (char)one[0];
        }

        Assert.StartsWith("HTTP/1.1 101", text, StringComparison.Ordinal);
    }

    private static async Task<byte[]> ReadPingAsync(NetworkStream stream)
    {
        var header = new byte[2];
        await stream.ReadExactlyAsync(header, Cancel);
        Assert.Equal(Ping, header[0]);
        var payload = new byte[header[1]];
        await stream.ReadExactlyAsync(payload, Cancel);
        return payload;
    }
}
