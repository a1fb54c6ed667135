using System.Buffers;
using System.Net.WebSockets;

namespace Dequeue.Gateway.Pacing;

/// <summary>A whole message, in an array of its own size: many wait at once, and a pool's would be twice as large.</summary>
/// <param name="Type">What it is; a close has no bytes.</param>
/// <param name="Bytes">Its bytes.</param>
internal readonly record struct ReadMessage(WebSocketMessageType Type, ReadOnlyMemory<byte> Bytes);

/// <summary>Reads the messages of one end. Not thread-safe.</summary>
/// <param name="socket">The end.</param>
/// <param name="expected">As many bytes as most of them have.</param>
/// <param name="most">As many as they may have.</param>
internal sealed class MessageReader(WebSocket socket, int expected, int most) : IDisposable
{
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(expected);

    /// <summary>The next message.</summary>
    /// <exception cref="InvalidDataException">It is too large.</exception>
    public async ValueTask<ReadMessage> ReadAsync(CancellationToken cancellationToken)
    {
        var length = 0;
        while (true)
        {
            var part = await socket.ReceiveAsync(_buffer.AsMemory(length), cancellationToken);
            length += part.Count;
            if (part.EndOfMessage || part.MessageType == WebSocketMessageType.Close) return new ReadMessage(part.MessageType, _buffer.AsSpan(0, length).ToArray());
            if (length > most) throw new InvalidDataException("A message is too large.");
            if (length == _buffer.Length) Grow();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    private void Grow()
    {
        var larger = ArrayPool<byte>.Shared.Rent(2 * _buffer.Length);
        _buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
