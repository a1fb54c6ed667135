using System.Buffers;

namespace Dequeue.Client.Pushing;

/// <summary>A push body made by splicing the events' bytes: <c>{"events":[…]}</c>.</summary>
internal sealed class PushBodyWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new(64 * 1024);

    public int Count { get; private set; }

    public bool HasRoomFor(int bytes)
        => Count == 0 || Count < PushCall.MaxEvents && _buffer.WrittenCount + bytes < PushCall.MaxBytes;

    public void Add(ReadOnlySpan<byte> eventJson)
    {
        _buffer.Write(Count++ == 0 ? "{\"events\":["u8 : ","u8);
        _buffer.Write(eventJson);
    }

    /// <summary>The whole body, valid until <see cref="Clear"/>.</summary>
    /// <param name="log">The log that the events are meant for; null for any.</param>
    public ReadOnlyMemory<byte> Close(PushLog? log)
    {
        _buffer.Write("]"u8);
        if (log is not null) _buffer.Write(log.Field);
        _buffer.Write("}"u8);
        return _buffer.WrittenMemory;
    }

    public void Clear()
    {
        Count = 0;
        _buffer.ResetWrittenCount();
    }
}
