using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Dequeue.WebPubSub.Messages;

/// <summary>What a payload is; decides how each kind of client gets it.</summary>
internal enum DataType
{
    /// <summary>One JSON value.</summary>
    Json,

    /// <summary>UTF-8 text.</summary>
    Text,

    /// <summary>Any bytes.</summary>
    Binary,
}

/// <summary>
/// One message on its way to any number of clients, who share its bytes. A JSON payload stands in its place inside the JSON
/// frame from the start, so that neither kind of client costs a copy; text and binary payloads get their JSON frame when the
/// first JSON client asks for it.
/// </summary>
internal sealed class Message
{
    private static readonly JsonWriterOptions WriterOptions
        = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private readonly byte[] _envelope;
    private readonly byte[] _buffer;
    private readonly int _start;
    private ReadOnlyMemory<byte>? _json;
    private int _holders;

    /// <summary>A message whose payload of a known length is yet to be written into <see cref="Data"/>.</summary>
    /// <param name="envelope">The frame of a JSON client up to the payload, from <see cref="Envelope"/>.</param>
    /// <param name="type">What the payload is.</param>
    /// <param name="length">Bytes of the payload.</param>
    /// <param name="expires">Timestamp of the server's clock after which it is no longer delivered; null for never.</param>
    public Message(byte[] envelope, DataType type, int length, long? expires = null)
    {
        _envelope = envelope;
        Type = type;
        Expires = expires;
        _start = type == DataType.Json ? envelope.Length : 0;
        _buffer = GC.AllocateUninitializedArray<byte>(type == DataType.Json ? envelope.Length + length + 1 : length);
        Data = _buffer.AsMemory(_start, length);
        if (type != DataType.Json) return;
        envelope.CopyTo(_buffer, 0);
        _buffer[^1] = (byte)'}';
        _json = _buffer;
    }

    /// <summary>A message with a copy of a payload.</summary>
    public Message(byte[] envelope, DataType type, ReadOnlySpan<byte> data, long? expires = null)
        : this(envelope, type, data.Length, expires) => data.CopyTo(Data.Span);

    /// <summary>What the payload is.</summary>
    public DataType Type { get; }

    /// <summary>The payload. Not written to after the message was first sent.</summary>
    public Memory<byte> Data { get; }

    /// <summary>When it is no longer delivered, as a timestamp of the server's clock.</summary>
    public long? Expires { get; }

    /// <summary>The whole frame of a JSON client, without a sequence id.</summary>
    public ReadOnlyMemory<byte> JsonFrame => _json ?? BuildJsonFrame();

    /// <summary>One more queue holds the message.</summary>
    /// <returns>True for the first one.</returns>
    public bool Hold() => Interlocked.Increment(ref _holders) == 1;

    /// <summary>One queue less holds it.</summary>
    /// <returns>True when it was the last one.</returns>
    public bool Release() => Interlocked.Decrement(ref _holders) == 0;

    private ReadOnlyMemory<byte> BuildJsonFrame()
    {
        var length = Type == DataType.Binary ? Data.Length / 3 * 4 + 6 : Data.Length + Data.Length / 8;
        var buffer = new ArrayBufferWriter<byte>(_envelope.Length + length + 8);
        buffer.Write(_envelope);
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
        {
            if (Type == DataType.Binary) writer.WriteBase64StringValue(Data.Span);
            else writer.WriteStringValue(Data.Span);
        }

        buffer.Write("}"u8);
        // Two receivers may build it at once; both build the same.
        _json = buffer.WrittenMemory;
        return buffer.WrittenMemory;
    }
}
