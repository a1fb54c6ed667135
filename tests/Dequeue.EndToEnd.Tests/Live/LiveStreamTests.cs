using System.Text;
using System.Text.Json;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.Streaming;

namespace Dequeue.EndToEnd.Tests.Live;

/// <summary><c>"live":true</c>: the stream goes on with what is committed, without gap or repeat.</summary>
public sealed class LiveStreamTests(Backend backend)
{
    [Theory]
    [InlineData(null)]
    [InlineData("json.webpubsub.azure.v1")]
    public async Task A_live_stream_goes_on_without_gap_or_repeat_while_other_devices_push(string? subprotocol)
    {
        var user = backend.NewUser();
        var history = user.Generate(3_000);
        await PushAsync(user, history.Take(1_000));
        using var answer = await user.PostAsync("/v1/sync/stream/negotiate", "");
        var url = new Uri((await TestUser.JsonOf(answer)).GetProperty("url").GetString()!);
        await using var stream = await RawStream.OpenAsync(url, subprotocol: subprotocol);
        await stream.SendAsync(
            subprotocol is null
                ? """{"type":"sync.stream.request","live":true}"""
                : """{"type":"event","event":"sync.stream.request","dataType":"json","data":{"live":true}}""",
            asText: subprotocol is not null);

        // Other devices push before, while and after the stream is planned and sent.
        async Task PushRestAsync()
        {
            foreach (var chunk in history.Skip(1_000).Chunk(40)) await PushAsync(user, chunk);
        }

        var pushing = PushRestAsync();

        var device = new LiveDevice();
        while (device.Events.Count < history.Count) device.Take((await stream.ReceiveAsync()).Message);
        await pushing;

        Assert.Equal(history.Select(Encoding.UTF8.GetString), device.Events);
    }

    [Fact]
    public async Task A_stream_that_did_not_ask_for_it_stays_as_it_was()
    {
        var user = backend.NewUser();
        await using var stream = await RawStream.OpenAsync(user.StreamUrl, user.Token);
        await stream.SendAsync("""{"type":"sync.stream.request","live":false}""");
        var messages = await stream.ReceiveUntilAsync("sync.stream.complete");
        await PushAsync(user, user.Generate(1));
        await stream.SendAsync("""{"type":"sync.stream.request"}""");

        Assert.False(messages[^1].TryGetProperty("position", out _));
        Assert.Equal("sync.stream.start", RawStream.TypeOf((await stream.ReceiveAsync()).Message));
    }

    private static async Task PushAsync(TestUser user, IEnumerable<byte[]> events)
    {
        using var answer = await user.PostAsync("/v1/sync/push", $$"""{"events":[{{string.Join(',', events.Select(Encoding.UTF8.GetString))}}]}""");
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>What docs/protocol.md tells a device to do with live batches.</summary>
    private sealed class LiveDevice
    {
        private readonly List<JsonElement> _early = [];
        private long? _position;

        public List<string> Events { get; } = [];

        public void Take(JsonElement message)
        {
            if (message.TryGetProperty("data", out var data)) message = data;
            switch (message.GetProperty("type").GetString())
            {
                case "sync.stream.batch":
                    Events.AddRange(message.GetProperty("events").EnumerateArray().Select(json => json.GetRawText()));
                    break;
                case "sync.stream.complete":
                    _position = message.GetProperty("position").GetInt64();
                    Assert.Equal(_position, Events.Count);
                    foreach (var early in _early) TakeLive(early);
                    break;
                case "sync.stream.live" when _position is null:
                    _early.Add(message);
                    break;
                case "sync.stream.live":
                    TakeLive(message);
                    break;
            }
        }

        private void TakeLive(JsonElement message)
        {
            var before = message.GetProperty("before").GetInt64();
            Assert.True(before <= _position, $"a gap: {before} after {_position}");
            var known = (int)(_position!.Value - before);
            var events = message.GetProperty("events").EnumerateArray().Select(json => json.GetRawText()).ToList();
            if (known >= events.Count) return;
            Events.AddRange(events.Skip(known));
            _position = before + events.Count;
        }
    }
}
