using System.Globalization;
using System.Net.WebSockets;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Streaming;
using Dequeue.Contracts.Streaming.Deltas;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Client.Tests.Servers;

/// <summary>One stream as the server sends it, in parts that a test can leave out, repeat, or spoil.</summary>
internal sealed class StreamScript(TestServer server, WebSocket socket, SemaphoreSlim oneSend, HttpContext context, StreamRequest request)
{
    private readonly int _from = TestServer.IndexAfter(request.Since);
    private int? _end;

    public StreamRequest Request => request;

    public WebSocket Socket => socket;

    public int Total => End - _from;

    public int Batches => (Total + server.BatchSize - 1) / server.BatchSize;

    public CancellationToken Gone => context.RequestAborted;

    // Where the log ended when the stream began to behave; scripts of their own see it as it is.
    private int End => _end ?? server.Log.Count;

    private Checkpoint Head => End == 0 ? Checkpoint.Beginning : TestServer.At(End - 1);

    /// <summary>Everything up to the log's end at this moment, in order: what is committed meanwhile is told live.</summary>
    public async Task BehaveAsync()
    {
        _end = server.Log.Count;
        await StartAsync();
        for (var index = 0; index < Batches; index++) await BatchAsync(index);
        await CompleteAsync();
    }

    public Task StartAsync(long? total = null, long? priority = null) => SendAsync(new StreamMessage.Start(total ?? Total, PriorityEvents: priority).ToUtf8Bytes());

    public Task BatchAsync(int index) => SendAsync(Batch(index));

    public Task CompleteAsync(long? processed = null, string? digest = null)
        => SendAsync(new StreamMessage.Complete(processed ?? Total, Total == 0 ? request.Since : Head, digest ?? Digest(), Position).ToUtf8Bytes());

    public byte[] Complete(bool withDigest)
        => new StreamMessage.Complete(Total, Total == 0 ? request.Since : Head, withDigest ? Digest() : null, Position).ToUtf8Bytes();

    public async Task SendAsync(byte[] message, bool asText = false, bool whole = true)
    {
        await oneSend.WaitAsync(Gone);
        try
        {
            await socket.SendAsync(message, asText ? WebSocketMessageType.Text : WebSocketMessageType.Binary, whole, Gone);
        }
        finally
        {
            oneSend.Release();
        }
    }

    public Task SendAsync(string text) => SendAsync(System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>The next acknowledgement of the client.</summary>
    public async Task<int> AcknowledgedAsync()
    {
        var buffer = new byte[1024];
        var received = await socket.ReceiveAsync(buffer, Gone);
        return Assert.IsType<StreamAck>(StreamAck.Read(buffer.AsSpan(0, received.Count), typeIsKnown: false, out _)).BatchIndex;
    }

    /// <summary>The events of a batch.</summary>
    public List<byte[]> Events(int index)
    {
        var from = _from + index * server.BatchSize;
        return server.Log[from..Math.Min(End, from + server.BatchSize)];
    }

    public byte[] Batch(int index, bool? isLast = null, bool withCheckpoint = true, int? asIndex = null)
        => Frame(Events(index), asIndex ?? index, isLast ?? index == Batches - 1, withCheckpoint ? Until(index) : null);

    /// <summary>A batch with other events than it should have.</summary>
    public byte[] Batch(int index, IReadOnlyList<byte[]> events) => Frame(events, index, index == Batches - 1, Until(index));

    /// <summary>A batch that lacks one event.</summary>
    public byte[] Without(int index, int left)
    {
        var events = Events(index);
        events.RemoveAt(left);
        return Batch(index, events);
    }

    /// <summary>A batch whose events are pages to be fetched, each of so many events.</summary>
    public byte[] Referring(int index, int pageSize, Func<PageReference, PageReference>? spoil = null)
    {
        var (from, count) = (_from + index * server.BatchSize, Events(index).Count);
        var pages = Enumerable.Range(0, (count + pageSize - 1) / pageSize)
            .Select(i => server.Reference(from + i * pageSize, Math.Min(from + count, from + (i + 1) * pageSize)))
            .Select(page => spoil?.Invoke(page) ?? page);
        return Frame([], new BatchHead(index, index == Batches - 1, Until(index)) { References = [.. pages] });
    }

    /// <summary>A batch with patches, the next of its encoder.</summary>
    public byte[] Patched(int index, DeltaEncoder deltas)
    {
        var written = deltas.Encode([.. Events(index).Select(static json => (ReadOnlyMemory<byte>)json)]);
        var head = new BatchHead(index, index == Batches - 1, Until(index)) { Deltas = written.Deltas, ForgetsStates = written.ForgetsStates };
        return [.. BatchFrame.Prefix(head), .. written.Events.Span, .. BatchFrame.Suffix];
    }

    public static byte[] Frame(IReadOnlyList<byte[]> events, int index, bool isLast, Checkpoint? checkpoint)
    {
        var frame = Frame(events, new BatchHead(index, isLast, checkpoint ?? Checkpoint.Beginning));
        return checkpoint is not null ? frame : System.Text.Encoding.UTF8.GetBytes(
            System.Text.Encoding.UTF8.GetString(frame).Replace(string.Create(CultureInfo.InvariantCulture, $"\"checkpoint\":\"{Checkpoint.Beginning}\","), "", StringComparison.Ordinal));
    }

    public static byte[] Frame(IReadOnlyList<byte[]> events, BatchHead head)
        => [.. BatchFrame.Prefix(head), .. TestServer.Join(events), .. BatchFrame.Suffix];

    /// <summary>Cuts the connection without a word.</summary>
    public void Cut() => context.Abort();

    public async Task CloseAsync() => await socket.CloseAsync(WebSocketCloseStatus.InternalServerError, "going away", Gone);

    public Checkpoint Until(int index) => TestServer.At(Math.Min(End, _from + (index + 1) * server.BatchSize) - 1);

    private long? Position => request.Live ? End : null;

    private string Digest() => TestServer.DigestOf(server.Log[_from..End]);
}
