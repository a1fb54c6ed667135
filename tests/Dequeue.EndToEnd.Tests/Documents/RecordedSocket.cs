using System.IO.Compression;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Dequeue.EndToEnd.Tests.Documents;

/// <summary>A client that records each message that it sends and receives, opened and without the envelope of a JSON subprotocol.</summary>
internal sealed class RecordedSocket : IAsyncDisposable
{
    private readonly ClientWebSocket _socket = new();
    private readonly byte[] _buffer = new byte[2 * 1024 * 1024];
    private readonly ServedDocuments _documents;

    private RecordedSocket(ServedDocuments documents) => _documents = documents;

    /// <summary>Connects.</summary>
    /// <param name="documents">Where the messages are recorded.</param>
    /// <param name="url">A negotiated URL, or one of the gateway.</param>
    /// <param name="subprotocol">The JSON subprotocol that is spoken; null for a plain client.</param>
    public static async Task<RecordedSocket> OpenAsync(ServedDocuments documents, Uri url, string? subprotocol = null)
    {
        var socket = new RecordedSocket(documents);
        if (subprotocol is not null) socket._socket.Options.AddSubProtocol(subprotocol);
        await socket._socket.ConnectAsync(url, TestContext.Current.CancellationToken);
        return socket;
    }

    /// <summary>Sends a message.</summary>
    /// <param name="message">The object.</param>
    /// <param name="name">The name of one without a <c>type</c>.</param>
    /// <param name="isRecorded">False for one that is wrong on purpose.</param>
    public async Task SendAsync(JsonNode message, string? name = null, bool isRecorded = true)
    {
        if (isRecorded) Record(name ?? NameOf(message), message);
        var sent = _socket.SubProtocol is null
            ? message
            : new JsonObject { ["type"] = "event", ["event"] = message["type"]!.DeepClone(), ["dataType"] = "json", ["data"] = message.DeepClone() };
        await _socket.SendAsync(Encoding.UTF8.GetBytes(sent.ToJsonString()), WebSocketMessageType.Text, true, TestContext.Current.CancellationToken);
    }

    /// <summary>The next message, within 20 seconds. What the subprotocol itself has to say is passed over.</summary>
    /// <param name="name">The name of a message without a <c>type</c>.</param>
    public async Task<JsonNode> ReceiveAsync(Func<JsonNode, string>? name = null)
    {
        while (true)
        {
            var length = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                part = await _socket.ReceiveAsync(_buffer.AsMemory(length), TestContext.Current.CancellationToken).AsTask()
                    .WaitAsync(Guard.Time, TestContext.Current.CancellationToken);
                Assert.NotEqual(WebSocketMessageType.Close, part.MessageType);
                length += part.Count;
            }
            while (!part.EndOfMessage);

            if (MessageOf(_buffer[..length]) is not { } message) continue;
            Record(name?.Invoke(message) ?? NameOf(message), message);
            return message;
        }
    }

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private JsonNode? MessageOf(byte[] frame)
    {
        if (_socket.SubProtocol is null) return Open(frame);
        var envelope = JsonNode.Parse(frame)!;
        if ((string?)envelope["type"] != "message") return null;
        return (string?)envelope["dataType"] == "binary" ? Open(Convert.FromBase64String((string)envelope["data"]!)) : envelope["data"];
    }

    private static JsonNode Open(byte[] bytes)
    {
        if (bytes is not [0x1F, 0x8B, ..]) return JsonNode.Parse(bytes)!;
        using var gzip = new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress);
        return JsonNode.Parse(gzip)!;
    }

    private static string NameOf(JsonNode message) => ((string)message["type"]!)["sync.stream.".Length..];

    private void Record(string name, JsonNode message) => _documents.Record(new { Name = name, Payload = message });
}
