using System.Buffers;
using System.Globalization;
using System.Net.WebSockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http.Features;

namespace Dequeue.WebPubSub.Clients;

/// <summary>How a socket ended: the code of the client's close frame, or null when the socket was lost.</summary>
internal readonly record struct SessionEnd(WebSocketCloseStatus? Status, string? Description);

/// <summary>
/// One WebSocket of a connection. One task reads and hands each message to the connection's protocol; one writes from the
/// queue, in order. Whoever fills the queue holds the connection's lock.
/// </summary>
internal sealed class ClientSession : IDisposable
{
    private const int SmallBuffer = 4 * 1024;
    private const int KeptBuffer = 64 * 1024;

    private readonly IHttpRequestLifetimeFeature _transport;
    private readonly ServiceContext _service;
    private readonly ClientKind _kind;
    private readonly Channel<OutboundFrame> _outbound
        = Channel.CreateUnbounded<OutboundFrame>(); // read by its writer, and emptied by whoever gives it up

    private readonly byte[] _scratch;
    private readonly Lock _closeGate = new();
    private WebSocket? _socket;
    private int _queuedMessages;
    private long _queuedBytes;
    private (WebSocketCloseStatus Status, string? Description)? _close;
    private ITimer? _deadline;
    private volatile bool _closing;
    private volatile bool _discard;

    /// <summary>A session whose socket is still to come; what is queued before goes first.</summary>
    /// <param name="transport">
    /// The connection below the socket, to end it also under a write that does not move. Not the HTTP context: that may be gone
    /// by the time that a successor or a timer cuts the session off.
    /// </param>
    /// <param name="kind">How the client speaks.</param>
    /// <param name="service">The service.</param>
    public ClientSession(IHttpRequestLifetimeFeature transport, ClientKind kind, ServiceContext service)
    {
        _kind = kind;
        _scratch = kind == ClientKind.ReliableJson ? new byte[SmallBuffer] : [];
        _transport = transport;
        _service = service;
    }

    /// <summary>Queues a frame. A numbered one is always taken: the reliable buffer has counted it.</summary>
    /// <returns>False when the client is too slow: as much as is allowed is waiting already.</returns>
    public bool TryEnqueue(OutboundFrame frame)
    {
        if (_closing) return true;
        if (!frame.IsNumbered)
        {
            var limits = _service.Options.Limits;
            if (_queuedMessages >= limits.MaxQueuedMessages || Interlocked.Read(ref _queuedBytes) + frame.Size > limits.MaxQueuedBytes) return false;
            Interlocked.Increment(ref _queuedMessages);
            Interlocked.Add(ref _queuedBytes, frame.Size);
            _service.Backlog.Add(frame);
        }

        if (!_outbound.Writer.TryWrite(frame)) Forget(frame);
        return true;
    }

    /// <summary>Bytes that wait for the client; of numbered frames the reliable buffer knows.</summary>
    public long QueuedBytes => Interlocked.Read(ref _queuedBytes);

    /// <summary>
    /// Closes the socket with a code, after what is queued or, when that is discarded, after the frame now being written. A
    /// client that does not answer in time is cut off. Only the first call counts.
    /// </summary>
    /// <param name="status">Code of the close frame.</param>
    /// <param name="description">Its text, at most 123 bytes.</param>
    /// <param name="discard">True to throw away what is queued.</param>
    public void Close(WebSocketCloseStatus status, string? description, bool discard = false)
    {
        lock (_closeGate)
        {
            if (_close is not null) return;
            _close = (status, description);
            _discard = discard;
            _closing = true;
            _deadline = _service.Options.TimeProvider.CreateTimer(
                static session => ((ClientSession)session!).Abort(), this, _service.Options.Limits.CloseTimeout, Timeout.InfiniteTimeSpan);
        }

        _outbound.Writer.TryComplete();
        if (discard) Empty();
    }

    /// <summary>Cuts the socket off; harmless when it has ended.</summary>
    public void Abort()
    {
        _discard = true;
        _closing = true;
        _outbound.Writer.TryComplete();
        _socket?.Abort();
        _transport.Abort();
        Empty();
    }

    /// <summary>Runs until the socket has ended.</summary>
    /// <param name="socket">The socket; disposed with the session.</param>
    /// <param name="receive">Takes each message; its bytes are valid until the call returns.</param>
    /// <param name="cancellationToken">Cuts the socket off.</param>
    public async Task<SessionEnd> RunAsync(
        WebSocket socket, Func<WebSocketMessageType, ReadOnlyMemory<byte>, CancellationToken, ValueTask> receive, CancellationToken cancellationToken)
    {
        _socket = socket;
        var writing = WriteAsync(socket);
        SessionEnd end = default;
        try
        {
            end = await ReadAsync(socket, receive, cancellationToken);
            Close(end.Status ?? WebSocketCloseStatus.NormalClosure, null, discard: true);
        }
        catch (Exception exception) when (IsLost(exception))
        {
            Abort();
        }

        await writing;
        return end;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _deadline?.Dispose();
        _socket?.Dispose();
    }

    private static bool IsLost(Exception exception)
        => exception is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException;

    private async Task<SessionEnd> ReadAsync(
        WebSocket socket, Func<WebSocketMessageType, ReadOnlyMemory<byte>, CancellationToken, ValueTask> receive, CancellationToken cancellationToken)
    {
        var max = _service.Options.Limits.MaxMessageBytes;
        var buffer = ArrayPool<byte>.Shared.Rent(SmallBuffer);
        var length = 0;
        try
        {
            while (true)
            {
                if (length == buffer.Length) buffer = Resize(buffer, Math.Min(length * 2, max + 1), length);
                var result = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
                if (result.MessageType == WebSocketMessageType.Close) return new SessionEnd(socket.CloseStatus, socket.CloseStatusDescription);

                length += result.Count;
                if (_closing)
                {
                    length = 0;
                }
                else if (length > max)
                {
                    Close(WebSocketCloseStatus.MessageTooBig, $"A message has at most {max} bytes.", discard: true);
                    length = 0;
                }
                else if (result.EndOfMessage)
                {
                    await receive(result.MessageType, buffer.AsMemory(0, length), cancellationToken);
                    length = 0;
                    if (buffer.Length > KeptBuffer) buffer = Resize(buffer, SmallBuffer, 0);
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static byte[] Resize(byte[] buffer, int size, int keep)
    {
        var resized = ArrayPool<byte>.Shared.Rent(size);
        buffer.AsSpan(0, keep).CopyTo(resized);
        ArrayPool<byte>.Shared.Return(buffer);
        return resized;
    }

    private async Task WriteAsync(WebSocket socket)
    {
        try
        {
            while (await _outbound.Reader.WaitToReadAsync())
            {
                while (_outbound.Reader.TryRead(out var frame))
                {
                    try
                    {
                        if (!_discard) await WriteAsync(socket, frame);
                    }
                    finally
                    {
                        Forget(frame);
                    }
                }
            }

            if (_close is { } close && socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                await socket.CloseOutputAsync(close.Status, close.Status == WebSocketCloseStatus.Empty ? null : close.Description, CancellationToken.None);
            }
        }
        catch (Exception exception) when (IsLost(exception))
        {
            Abort();
        }
    }

    // The queue takes no more: what is in it is let go at once, be the writer stuck or not.
    private void Empty()
    {
        while (_outbound.Reader.TryRead(out var frame)) Forget(frame);
    }

    private void Forget(in OutboundFrame frame)
    {
        if (frame.IsNumbered) return;
        Interlocked.Decrement(ref _queuedMessages);
        Interlocked.Add(ref _queuedBytes, -frame.Size);
        _service.Backlog.Remove(frame);
    }

    private ValueTask WriteAsync(WebSocket socket, in OutboundFrame frame)
    {
        if (frame.Message is not { } message) return socket.SendAsync(frame.Service.AsMemory(), WebSocketMessageType.Text, true, CancellationToken.None);
        if (message.Expires is { } expires && _service.Options.TimeProvider.GetTimestamp() >= expires) return ValueTask.CompletedTask;
        return _kind switch
        {
            ClientKind.Simple => socket.SendAsync(
                message.Data, message.Type == Messages.DataType.Binary ? WebSocketMessageType.Binary : WebSocketMessageType.Text, true, CancellationToken.None),
            ClientKind.Json => socket.SendAsync(message.JsonFrame, WebSocketMessageType.Text, true, CancellationToken.None),
            _ => WriteNumberedAsync(socket, message.JsonFrame, frame.SequenceId),
        };
    }

    private async ValueTask WriteNumberedAsync(WebSocket socket, ReadOnlyMemory<byte> frame, ulong sequenceId)
    {
        // The shared frame's opening brace gives way to one with this connection's number.
        var start = "{\"sequenceId\":"u8;
        start.CopyTo(_scratch);
        sequenceId.TryFormat(_scratch.AsSpan(start.Length), out var digits, provider: CultureInfo.InvariantCulture);
        var length = start.Length + digits;
        _scratch[length++] = (byte)',';
        var rest = frame[1..];
        if (length + rest.Length <= _scratch.Length)
        {
            rest.CopyTo(_scratch.AsMemory(length));
            await socket.SendAsync(_scratch.AsMemory(0, length + rest.Length), WebSocketMessageType.Text, true, CancellationToken.None);
        }
        else
        {
            await socket.SendAsync(_scratch.AsMemory(0, length), WebSocketMessageType.Text, false, CancellationToken.None);
            await socket.SendAsync(rest, WebSocketMessageType.Text, true, CancellationToken.None);
        }
    }
}
