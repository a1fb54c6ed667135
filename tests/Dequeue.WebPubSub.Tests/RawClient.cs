using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Dequeue.WebPubSub.Tests;

/// <summary>One received frame.</summary>
public sealed record Frame(WebSocketMessageType Type, byte[] Data, WebSocketCloseStatus? Close, string? CloseText)
{
    public string Text => Encoding.UTF8.GetString(Data);

    public JsonNode Json => JsonNode.Parse(Data)!;
}

/// <summary>A client at the level of frames.</summary>
public sealed class RawClient : IDisposable
{
    public ClientWebSocket Socket { get; } = new();

    public string ConnectionId { get; private set; } = "";

    public string? ReconnectionToken { get; private set; }

    public static async Task<RawClient> ConnectAsync(Uri url, CancellationToken cancellationToken, params string[] subprotocols)
    {
        var client = new RawClient();
        try
        {
            foreach (var subprotocol in subprotocols) client.Socket.Options.AddSubProtocol(subprotocol);
            client.Socket.Options.CollectHttpResponseDetails = true;
            await client.Socket.ConnectAsync(url, cancellationToken);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>A JSON client that has read its <c>connected</c> message.</summary>
    public static async Task<RawClient> ConnectJsonAsync(Uri url, CancellationToken cancellationToken, bool reliable = false)
    {
        var client = await ConnectAsync(url, cancellationToken, reliable ? "json.reliable.webpubsub.azure.v1" : "json.webpubsub.azure.v1");
        var connected = (await client.ReadAsync(cancellationToken)).Json;
        Assert.Equal("connected", (string?)connected["event"]);
        client.ConnectionId = (string)connected["connectionId"]!;
        client.ReconnectionToken = (string?)connected["reconnectionToken"];
        return client;
    }

    public Task SendAsync(string text, CancellationToken cancellationToken)
        => Socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, cancellationToken);

    public Task SendAsync(object json, CancellationToken cancellationToken)
        => Socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(json), WebSocketMessageType.Text, true, cancellationToken);

    public Task SendAsync(byte[] data, CancellationToken cancellationToken)
        => Socket.SendAsync(data, WebSocketMessageType.Binary, true, cancellationToken);

    public async Task<Frame> ReadAsync(CancellationToken cancellationToken)
    {
        using var timeout = Wait.AtMost(cancellationToken);
        using var message = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var result = await Socket.ReceiveAsync(buffer, timeout.Token);
            if (result.MessageType == WebSocketMessageType.Close) return new Frame(result.MessageType, [], result.CloseStatus, result.CloseStatusDescription);
            message.Write(buffer, 0, result.Count);
            if (result.EndOfMessage) return new Frame(result.MessageType, message.ToArray(), null, null);
        }
    }

    /// <summary>Sends a request with an ack id and returns its ack; what comes before it must be nothing.</summary>
    public async Task<JsonNode> RequestAsync(object json, CancellationToken cancellationToken)
    {
        await SendAsync(json, cancellationToken);
        var answer = (await ReadAsync(cancellationToken)).Json;
        Assert.Equal("ack", (string?)answer["type"]);
        return answer;
    }

    /// <summary>Ends the TCP connection without a goodbye.</summary>
    public void Drop() => Socket.Abort();

    public Task CloseAsync(CancellationToken cancellationToken)
        => Socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, cancellationToken);

    public void Dispose() => Socket.Dispose();
}
