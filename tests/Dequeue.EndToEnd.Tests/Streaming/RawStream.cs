using System.IO.Compression;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace Dequeue.EndToEnd.Tests.Streaming;

/// <summary>A WebSocket and its messages, for tests that look at single frames.</summary>
internal sealed class RawStream : IAsyncDisposable
{
    private readonly ClientWebSocket _socket = new();
    private readonly byte[] _buffer = new byte[2 * 1024 * 1024];

    public static async Task<RawStream> OpenAsync(Uri url, string? bearer = null, string? subprotocol = null)
    {
        var stream = new RawStream();
        if (bearer is not null) stream._socket.Options.SetRequestHeader("Authorization", "Bearer " + bearer);
        if (subprotocol is not null) stream._socket.Options.AddSubProtocol(subprotocol);
        await stream._socket.ConnectAsync(url, TestContext.Current.CancellationToken);
        return stream;
    }

    public Task SendAsync(string message, bool asText = false)
        => _socket.SendAsync(Encoding.UTF8.GetBytes(message), asText ? WebSocketMessageType.Text : WebSocketMessageType.Binary, true, TestContext.Current.CancellationToken);

    /// <summary>The next message, within 45 seconds; its type is Undefined after the server's close.</summary>
    public async Task<(WebSocketMessageType Kind, JsonElement Message)> ReceiveAsync()
    {
        var length = 0;
        while (true)
        {
            var part = await _socket.ReceiveAsync(_buffer.AsMemory(length), TestContext.Current.CancellationToken).AsTask()
                .WaitAsync(Guard.Time, TestContext.Current.CancellationToken);
            if (part.MessageType == WebSocketMessageType.Close) return (WebSocketMessageType.Close, default);
            length += part.Count;
            if (!part.EndOfMessage) continue;
            return (part.MessageType, Parse(_buffer.AsMemory(0, length).ToArray()));
        }
    }

    /// <summary>Lets messages pass unread.</summary>
    public async Task SkipAsync(int messages)
    {
        while (messages > 0)
        {
            var part = await _socket.ReceiveAsync(_buffer.AsMemory(), TestContext.Current.CancellationToken);
            Assert.NotEqual(WebSocketMessageType.Close, part.MessageType);
            if (part.EndOfMessage) messages--;
        }
    }

    /// <summary>Every message up to the one of this type.</summary>
    public async Task<List<JsonElement>> ReceiveUntilAsync(string type)
    {
        var messages = new List<JsonElement>();
        while (true)
        {
            var (kind, message) = await ReceiveAsync();
            Assert.NotEqual(WebSocketMessageType.Close, kind);
            messages.Add(message);
            if (TypeOf(message) == type) return messages;
        }
    }

    /// <summary>The sync message's type, whether bare or in the envelope of a JSON subprotocol.</summary>
    public static string? TypeOf(JsonElement message)
        => message.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object ? data.GetProperty("type").GetString() : message.GetProperty("type").GetString();

    private static JsonElement Parse(byte[] message)
    {
        if (message is not [0x1F, 0x8B, ..]) return JsonDocument.Parse(message).RootElement;
        using var opened = new GZipStream(new MemoryStream(message), CompressionMode.Decompress);
        return JsonDocument.Parse(opened).RootElement;
    }

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }
}
