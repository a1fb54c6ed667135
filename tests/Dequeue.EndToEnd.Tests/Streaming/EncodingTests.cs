using System.IO.Compression;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Dequeue.Contracts.Streaming;
using Dequeue.Contracts.Streaming.Deltas;
using Dequeue.EndToEnd.Tests.Hosting;
using ZstdSharp;

namespace Dequeue.EndToEnd.Tests.Streaming;

public sealed class EncodingTests(Backend backend)
{
    private const int MaxMessage = 1024 * 1024;

    [Theory]
    [InlineData("", null)]
    [InlineData("gzip", "gzip")]
    [InlineData("br", "br")]
    [InlineData("zstd", "zstd")]
    [InlineData("deflate,zstd,gzip", "zstd")]
    [InlineData("deflate", null)]
    public async Task Every_encoding_brings_the_same_bytes_with_deltas_and_without(string asked, string? chosen)
    {
        var user = backend.NewUser();
        var events = await user.PushHistoryAsync(2_500);

        var whole = await StreamAsync(user, asked, delta: false);
        var patched = await StreamAsync(user, asked, delta: true);

        Assert.Equal((chosen, chosen), (whole.Encoding, patched.Encoding));
        Assert.Equal((0, 1), (whole.Resets, patched.Resets));
        Assert.Equal(0, whole.Deltas);
        Assert.InRange(patched.Deltas, 800, 2_500);
        Assert.True(patched.Bytes < whole.Bytes);
        AssertSame(events, whole.Events);
        AssertSame(events, patched.Events);
    }

    [Fact]
    public async Task Each_window_of_a_long_stream_begins_with_no_states()
    {
        var user = backend.NewUser();
        var events = await user.PushHistoryAsync(21_500);

        var stream = await StreamAsync(user, "br", delta: true);

        Assert.Equal(2, stream.Resets);
        AssertSame(events, stream.Events);
    }

    [Theory]
    [InlineData("", "json")]
    [InlineData("zstd", "binary")]
    public async Task A_client_of_a_JSON_subprotocol_gets_deltas_as_objects_and_compressed_ones_as_binary_data(string asked, string dataType)
    {
        var user = backend.NewUser();
        var events = await user.PushHistoryAsync(1_200);
        await using var stream = await RawStream.OpenAsync(await NegotiateAsync(user), subprotocol: "json.webpubsub.azure.v1");
        await stream.SendAsync($$"""{"type":"event","event":"sync.stream.request","dataType":"json","data":{{Request(asked, delta: true)}}}""", asText: true);

        var reading = new Reading();
        await stream.ReceiveAsync();
        while (!reading.IsComplete)
        {
            var (_, message) = await stream.ReceiveAsync();
            var isBinary = message.GetProperty("dataType").GetString() == "binary";
            Assert.Equal(isBinary, dataType == "binary" && reading.HasStarted && !message.GetProperty("data").GetRawText().Contains("complete", StringComparison.Ordinal));
            reading.Take(isBinary ? message.GetProperty("data").GetBytesFromBase64() : Encoding.UTF8.GetBytes(message.GetProperty("data").GetRawText()), isBinary);
        }

        Assert.True(reading.Deltas > 0);
        AssertSame(events, reading.Events);
    }

    private static async Task<Reading> StreamAsync(TestUser user, string asked, bool delta)
    {
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(await NegotiateAsync(user), TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.UTF8.GetBytes(Request(asked, delta)), WebSocketMessageType.Binary, true, TestContext.Current.CancellationToken);
        var (reading, buffer, length) = (new Reading(), new byte[MaxMessage], 0);
        while (!reading.IsComplete)
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(length), TestContext.Current.CancellationToken).AsTask().WaitAsync(Guard.Time, TestContext.Current.CancellationToken);
            Assert.Equal(WebSocketMessageType.Binary, part.MessageType);
            length += part.Count;
            if (!part.EndOfMessage) continue;
            var message = buffer.AsSpan(0, length).ToArray();
            reading.Take(message, isPacked: message[0] != '{');
            length = 0;
        }

        return reading;
    }

    private static string Request(string asked, bool delta)
        => JsonSerializer.Serialize(new { type = "sync.stream.request", encodings = asked.Split(',', StringSplitOptions.RemoveEmptyEntries), delta });

    private static async Task<Uri> NegotiateAsync(TestUser user)
    {
        using var answer = await user.PostAsync("/v1/sync/stream/negotiate", "");
        return new Uri((await TestUser.JsonOf(answer)).GetProperty("url").GetString()!);
    }

    private static void AssertSame(List<byte[]> expected, List<byte[]> actual)
        => Assert.Equal(expected.Select(Encoding.UTF8.GetString), actual.Select(Encoding.UTF8.GetString));

    /// <summary>What came, opened by other means than those of the client.</summary>
    private sealed class Reading
    {
        private readonly DeltaDecoder _decoder = new(MaxMessage);

        public bool HasStarted { get; private set; }

        public bool IsComplete { get; private set; }

        public string? Encoding { get; private set; }

        public List<byte[]> Events { get; } = [];

        public int Deltas { get; private set; }

        public int Resets { get; private set; }

        public long Bytes { get; private set; }

        public void Take(byte[] frame, bool isPacked)
        {
            Bytes += frame.Length;
            var message = new StreamMessageReader().Read(isPacked ? Open(frame) : frame, out var problem);
            Assert.Null(problem);
            Assert.Equal(message is StreamMessage.Batch && Encoding is not null, isPacked);
            switch (message)
            {
                case StreamMessage.Start start:
                    (HasStarted, Encoding) = (true, start.Encoding);
                    break;
                case StreamMessage.Batch batch:
                    Deltas += batch.Deltas.Count;
                    Resets += batch.ForgetsStates ? 1 : 0;
                    Events.AddRange(Assert.IsType<StreamMessage.Batch>(_decoder.Rebuild(batch, out _)).Events.Select(e => e.Json.ToArray()));
                    break;
                default:
                    Assert.IsType<StreamMessage.Complete>(message);
                    IsComplete = true;
                    break;
            }
        }

        private byte[] Open(byte[] frame)
        {
            using Stream stream = Encoding switch
            {
                "gzip" => new GZipStream(new MemoryStream(frame), CompressionMode.Decompress),
                "br" => new BrotliStream(new MemoryStream(frame), CompressionMode.Decompress),
                _ => new DecompressionStream(new MemoryStream(frame)),
            };
            using var opened = new MemoryStream();
            stream.CopyTo(opened);
            return opened.ToArray();
        }
    }
}
