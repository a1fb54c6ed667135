using System.Net;
using System.Net.WebSockets;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.Operation;
using Dequeue.EndToEnd.Tests.Streaming;

namespace Dequeue.EndToEnd.Tests.Hostile;

/// <summary>One limit for all ways in: what comes over a socket counts as a call does.</summary>
public sealed class SocketLimitTests
{
    private const string User = "ada";
    private const string Push = """{"events":[{"id":"ID","user_id":"","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}]}""";

    [Theory]
    [InlineData(Push, "sync.stream.refused")]
    [InlineData("""{"type":"sync.stream.ack","batchIndex":7}""", "sync.stream.refused")]
    [InlineData("""{"type":"sync.stream.request"}""", "sync.stream.error")]
    [InlineData("""{"what":1}""", "sync.stream.error")]
    public async Task Messages_beyond_the_limit_are_refused_and_do_nothing(string message, string refusal)
    {
        // 10 at once, 2 a second.
        await using var host = await OperationHost.StartAsync(("Limits:CallsPerSecond", "2"));
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User));
        for (var i = 0; i < 40; i++) await stream.SendAsync(message.Replace("\"ID\"", $"\"e{i}\"", StringComparison.Ordinal));
        var limited = 0;
        while (limited < 10)
        {
            var (kind, answer) = await stream.ReceiveAsync();
            Assert.NotEqual(WebSocketMessageType.Close, kind);
            if (!answer.TryGetProperty("code", out var code) || code.GetString() != "RATE_LIMITED") continue;
            Assert.Equal(refusal, RawStream.TypeOf(answer));
            limited++;
        }

        // The same count: neither a call nor a connection comes through, of this user alone.
        using var call = await host.SendAsync(HttpMethod.Get, "/v1/sync/meta", OperationHost.Token(User));
        Assert.Equal(HttpStatusCode.TooManyRequests, call.StatusCode);
        using var other = await host.SendAsync(HttpMethod.Get, "/v1/sync/meta", OperationHost.Token("bob"));
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        await OperationHost.UntilAsync(async () =>
        {
            using var meta = await host.SendAsync(HttpMethod.Get, "/v1/sync/meta", OperationHost.Token(User));
            return meta.StatusCode == HttpStatusCode.OK && (await TestUser.JsonOf(meta)).GetProperty("eventCount").GetInt32() <= 30;
        });
    }

    [Fact]
    public async Task Calls_count_against_messages_and_connections()
    {
        await using var host = await OperationHost.StartAsync(("Limits:CallsPerSecond", "2"));
        var url = await host.NegotiateAsync(User);
        await using var stream = await RawStream.OpenAsync(url);
        for (var status = HttpStatusCode.OK; status != HttpStatusCode.TooManyRequests;)
        {
            using var call = await host.SendAsync(HttpMethod.Get, "/v1/sync/meta", OperationHost.Token(User));
            status = call.StatusCode;
        }

        Assert.Contains("429", (await Assert.ThrowsAsync<WebSocketException>(() => RawStream.OpenAsync(url))).Message);
    }

    [Fact]
    public async Task A_stream_counts_as_the_pages_that_it_stands_for()
    {
        await using var host = await OperationHost.StartAsync(("Limits:CallsPerSecond", "4"));
        for (var push = 0; push < 12; push++) await host.Services.AppendAsync(User, $"p{push}-", 1_000);
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User));
        var refused = 0;
        for (var i = 0; i < 3; i++)
        {
            await stream.SendAsync("""{"type":"sync.stream.request"}""");
            while (true)
            {
                var (_, message) = await stream.ReceiveAsync();
                if (RawStream.TypeOf(message) == "sync.stream.complete") break;
                if (RawStream.TypeOf(message) != "sync.stream.error") continue;
                Assert.Equal("RATE_LIMITED", message.GetProperty("code").GetString());
                refused++;
                break;
            }
        }

        // 20 at once: one stream of 12,000 events is ten of them beside its request.
        Assert.InRange(refused, 1, 2);
    }
}
