using System.Net.WebSockets;
using System.Text;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Streaming;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Client.Tests.Servers;

/// <summary>One stream as the server sends it, in parts that a test can leave out, repeat, or spoil.</summary>
internal sealed class StreamScript(TestServer server, WebSocket socket, HttpContext context, Checkpoint since)
{
    private readonly int _from = TestServer.IndexAfter(since);

    public WebSocket Socket => socket;

    public int Total => server.Log.Count - _from;

    public int Batches => (Total + server.BatchSize - 1) / server.BatchSize;

    public CancellationToken Gone => context.RequestAborted;

    /// <summary>Everything, in order.</summary>
    public async Task BehaveAsync()
    {
        await StartAsync();
        for (var index = 0; index < Batches; index++) await BatchAsync(index);
        await CompleteAsync();
    }

    public Task StartAsync(long? total = null) => SendAsync(new StreamMessage.Start(total ?? Total).ToUtf8Bytes());

    public Task BatchAsync(int index) => SendAsync(Batch(index));

    public Task CompleteAsync(long? processed = null, string? digest = null)
        => SendAsync(new StreamMessage.Complete(processed ?? Total, Total == 0 ? since : server.Head, digest ?? Digest()).ToUtf8Bytes());

    public byte[] Complete(bool withDigest)
        => new StreamMessage.Complete(Total, Total == 0 ? since : server.Head, withDigest ? Digest() : null).ToUtf8Bytes();

    public Task SendAsync(byte[] message, bool asText = false, bool whole = true)
        => socket.SendAsync(message, asText ? WebSocketMessageType.Text : WebSocketMessageType.Binary, whole, Gone);

    public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text));

    public byte[] Batch(int index, bool? isLast = null, bool withCheckpoint = true, int? asIndex = null)
    {
        var from = _from + index * server.BatchSize;
        var to = Math.Min(server.Log.Count, from + server.BatchSize);
        return Frame(server.Log[from..to], asIndex ?? index, isLast ?? index == Batches - 1, withCheckpoint ? TestServer.At(to - 1) : null);
    }

    /// <summary>A batch that lacks one event.</summary>
    public byte[] Without(int index, int left)
    {
        var from = _from + index * server.BatchSize;
        var events = server.Log[from..Math.Min(server.Log.Count, from + server.BatchSize)];
        events.RemoveAt(left);
        return Frame(events, index, index == Batches - 1, TestServer.At(from + server.BatchSize - 1));
    }

    public static byte[] Frame(IReadOnlyList<byte[]> events, int index, bool isLast, Checkpoint? checkpoint)
    {
        using var frame = new MemoryStream();
        var position = checkpoint is null ? "" : $"\"checkpoint\":\"{checkpoint}\",";
        frame.Write(Encoding.UTF8.GetBytes($$"""{"type":"sync.stream.batch","batchIndex":{{index}},"isLast":{{(isLast ? "true" : "false")}},{{position}}"events":["""));
        frame.Write(TestServer.Join(events));
        frame.Write(BatchFrame.Suffix);
        return frame.ToArray();
    }

    /// <summary>Cuts the connection without a word.</summary>
    public void Cut() => context.Abort();

    public async Task CloseAsync() => await socket.CloseAsync(WebSocketCloseStatus.InternalServerError, "going away", Gone);

    private string Digest()
    {
        using var digest = new EventDigest();
        foreach (var json in server.Log[_from..]) digest.Append(json);
        return digest.ToString();
    }
}
