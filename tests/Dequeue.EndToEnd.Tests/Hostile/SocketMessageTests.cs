using System.Text;
using System.Text.Json;
using Dequeue.EndToEnd.Tests.Operation;
using Dequeue.EndToEnd.Tests.Streaming;
using Dequeue.Functions.Upstream;

namespace Dequeue.EndToEnd.Tests.Hostile;

/// <summary>A message of a socket is read as one thing, and what is wrong with it is told as such.</summary>
public sealed class SocketMessageTests
{
    private const string User = "ada";

    [Theory]
    [InlineData("message", """{"type":"sync.stream.ack","batchIndex":1}""", SocketMessageKind.Ack)]
    [InlineData("message", """{"batchIndex":"x","type":"sync.stream.ack"}""", SocketMessageKind.Ack)]
    [InlineData("message", """{"type":"sync.stream.request"}""", SocketMessageKind.Request)]
    [InlineData("message", """{"type":"sync.stream.request","events":[]}""", SocketMessageKind.Request)]
    [InlineData("message", """{"events":[],"type":"sync.stream.ack"}""", SocketMessageKind.Ack)]
    [InlineData("message", """{"type":"sync.stream.\u0061ck"}""", SocketMessageKind.Ack)]
    [InlineData("message", """{"events":[]}""", SocketMessageKind.Push)]
    [InlineData("message", """{"events":"x"}""", SocketMessageKind.Push)]
    [InlineData("message", """{"events":[{"type":"sync.stream.ack"}]}""", SocketMessageKind.Push)]
    [InlineData("message", """{"type":"push","events":[]}""", SocketMessageKind.Push)]
    [InlineData("message", """{"type":7,"events":[]}""", SocketMessageKind.Push)]
    [InlineData("message", """{"events":[{"id":""", SocketMessageKind.Push)]
    [InlineData("message", """{"type":"sync.stream.ack","batchIndex":""", SocketMessageKind.Ack)]
    [InlineData("message", """{"type":"sync.stream.stop"}""", SocketMessageKind.Unknown)]
    [InlineData("message", """{"batchIndex":1}""", SocketMessageKind.Unknown)]
    [InlineData("message", "[]", SocketMessageKind.Unknown)]
    [InlineData("message", "events", SocketMessageKind.Unknown)]
    [InlineData("message", "", SocketMessageKind.Unknown)]
    [InlineData("sync.stream.ack", "rubbish", SocketMessageKind.Ack)]
    [InlineData("sync.stream.request", """{"events":[]}""", SocketMessageKind.Request)]
    [InlineData("another", """{"type":"sync.stream.request"}""", SocketMessageKind.Request)]
    public void A_message_is_one_thing(string name, string text, object kind)
    {
        var message = SocketMessage.Of(name, Encoding.UTF8.GetBytes(text));
        Assert.Equal(kind, message.Kind);
        Assert.Equal(message.Kind == SocketMessageKind.Unknown, message.Why.Length > 0);
    }

    [Fact]
    public async Task Each_malformed_message_gets_the_error_of_its_own_kind_and_the_stream_that_runs_goes_on()
    {
        await using var host = await OperationHost.StartAsync();
        await host.PushAsync(User, 400);
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User));
        var client = new WindowClient(stream, 2);
        await client.AskAsync(batchSize: 10);
        Assert.Equal("sync.stream.start", RawStream.TypeOf((await stream.ReceiveAsync()).Message));
        await client.ReadBatchesAsync(2);

        var many = string.Join(',', Enumerable.Repeat("""{"id":"x"}""", 1_001));
        foreach (var (mistake, of, says) in new[]
        {
            ($$"""{"events":[{{many}}]}""", "push", "at most 1000 events"),
            ("""{"events":"x"}""", "push", "one array"),
            ("""{"events":[1]}""", "push", "events[0]"),
            ("""{"events":[{"id":""", "push", "valid JSON"),
            ("""{"type":"sync.stream.ack"}""", "ack", "batchIndex"),
            ("""{"type":"sync.stream.ack","batchIndex":-1}""", "ack", "batchIndex"),
            ("""{"type":"sync.stream.request","since":"yesterday"}""", "request", "since"),
            ("""{"type":"sync.stream.request","window":"x"}""", "request", "window"),
            ("""{"type":"sync.stream.request"}""", "request", "is running"),
            ("""{"type":"sync.stream.stop"}""", "message", "type"),
            ("""{"hello":1}""", "message", "neither"),
            ("not json", "message", "valid JSON"),
            ("[]", "message", "object"),
        })
        {
            await stream.SendAsync(mistake);
            var answer = (await stream.ReceiveAsync()).Message;
            Assert.Equal((mistake, "sync.stream.refused", of), (mistake, RawStream.TypeOf(answer), answer.GetProperty("of").GetString()));
            Assert.Contains(says, answer.GetProperty("error").GetString(), StringComparison.Ordinal);
            Assert.Contains("INVALID", answer.GetProperty("code").GetString(), StringComparison.Ordinal);
        }

        for (var batch = 2; batch < 40; batch += 2)
        {
            await client.AcknowledgeAsync(batch - 1);
            await client.ReadBatchesAsync(2);
        }

        Assert.Equal("sync.stream.complete", RawStream.TypeOf((await stream.ReceiveAsync()).Message));
    }

    [Fact]
    public async Task Without_a_stream_a_push_or_an_ack_is_refused_and_what_may_be_a_request_ends_in_an_error()
    {
        await using var host = await OperationHost.StartAsync();
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User), subprotocol: "json.webpubsub.azure.v1");
        await stream.ReceiveAsync();
        foreach (var (mistake, type) in new[]
        {
            ("""{"events":"x"}""", "sync.stream.refused"), ("""{"type":"sync.stream.ack"}""", "sync.stream.refused"),
            ("""{"type":"sync.stream.request","since":1}""", "sync.stream.error"), ("{}", "sync.stream.error"),
        })
        {
            await stream.SendAsync($$"""{"type":"event","event":"message","dataType":"json","data":{{mistake}}}""", asText: true);
            Assert.Equal(type, RawStream.TypeOf((await stream.ReceiveAsync()).Message));
        }
    }
}
