using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.Json;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Gateway.Pacing;

/// <summary>
/// The rules of one connection: what a client's request becomes, what it gets of each message, and what is acknowledged for it. Its
/// two sides are used by one task each.
/// </summary>
internal sealed class StreamPacer
{
    /// <summary>Largest message after opening. The server's own bound is 1 MB.</summary>
    private const int MaxOpenBytes = 4 * 1024 * 1024;

    /// <summary>As much of a compressed batch as holds its index, which stands at its beginning.</summary>
    private const int HeadBytes = 512;

    private const int GzipHeaderBytes = 10, GzipTrailerBytes = 8;

    private readonly Lock _gate = new();
    private PacedRequest? _paced;
    private bool _isRunning;
    private int _acknowledged = -1, _taken = -1;
    private long _unacknowledgedBytes;

    /// <summary>Whether a stream has been asked for and has not ended.</summary>
    public bool IsRunning
    {
        get
        {
            lock (_gate) return _isRunning;
        }
    }

    /// <summary>A message of the client, as it goes to Web PubSub.</summary>
    public ReadOnlyMemory<byte> FromClient(ReadOnlyMemory<byte> message)
    {
        var isRequest = StreamRequest.Read(message.Span) is StreamRequestReading.Accepted;
        if (!isRequest) return message;
        lock (_gate)
        {
            // The server refuses it, and the stream that runs goes on as it was asked for.
            if (_isRunning) return message;

            (_isRunning, _paced) = (true, PacedRequest.Of(message.Span));
            (_acknowledged, _taken, _unacknowledgedBytes) = (-1, -1, 0);
            return _paced?.Message ?? message;
        }
    }

    /// <summary>A message of the server, as it goes to the client.</summary>
    /// <param name="frame">The message.</param>
    /// <returns>What to send, and which batch the client has taken when it is sent.</returns>
    /// <exception cref="InvalidDataException">It is damaged, or holds too much.</exception>
    public PacedFrame ToClient(ReadOnlyMemory<byte> frame)
    {
        PacedRequest? paced;
        lock (_gate) paced = _paced;
        if (paced is null || frame.Length == 0)
        {
            if (frame.Length > 0 && frame.Span[0] == (byte)'{') Note(FrameHead.Read(frame.Span).Kind);
            return new PacedFrame(frame);
        }

        if (frame.Span[0] != (byte)'{')
        {
            if (!paced.Opens) return new PacedFrame(frame) { BatchIndex = FrameHead.Read(Beginning(frame)).BatchIndex, IsCompressed = true };
            var opened = Open(frame, out var length);
            return new PacedFrame(opened.AsMemory(0, length)) { BatchIndex = FrameHead.Read(opened.AsSpan(0, length)).BatchIndex, Rented = opened };
        }

        var head = FrameHead.Read(frame.Span);
        Note(head.Kind);
        return head.Kind == FrameKind.Start && paced.Opens ? new PacedFrame(WithoutEncoding(frame)) : new PacedFrame(frame) { BatchIndex = head.BatchIndex };
    }

    /// <summary>The client has taken a batch.</summary>
    /// <param name="batchIndex">Which.</param>
    /// <param name="bytes">The bytes that it had on its way from the server.</param>
    /// <param name="isLate">Whether the last acknowledgement was long ago.</param>
    /// <returns>The batch to acknowledge now, or null.</returns>
    public int? Taken(int batchIndex, int bytes, bool isLate)
    {
        lock (_gate)
        {
            if (_paced is not { } paced) return null;

            // A step that is repeated after a failure brings its batches again; maybe because an acknowledgement was lost.
            var isRepeated = batchIndex <= _taken;
            _taken = Math.Max(_taken, batchIndex);
            _unacknowledgedBytes += bytes;
            if (!isRepeated && !isLate && _taken - _acknowledged < StreamWindows.AckEvery(paced.Window) && _unacknowledgedBytes < StreamWindows.AckBytes) return null;
            (_acknowledged, _unacknowledgedBytes) = (_taken, 0);
            return _taken;
        }
    }

    private void Note(FrameKind kind)
    {
        if (kind is not (FrameKind.Complete or FrameKind.Error)) return;
        lock (_gate) _isRunning = false;
    }

    private static byte[] Open(ReadOnlyMemory<byte> frame, out int length)
    {
        var size = frame.Length < GzipHeaderBytes + GzipTrailerBytes ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(frame.Span[^4..]);
        if (size is 0 or > MaxOpenBytes) throw new InvalidDataException("A compressed message is damaged, or too large.");
        length = (int)size;
        var opened = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            using var gzip = new GZipStream(Input(frame), CompressionMode.Decompress);
            gzip.ReadExactly(opened, 0, length);

            // Reads the end too: there the checksum is compared.
            if (gzip.ReadByte() >= 0) throw new InvalidDataException("A compressed message holds more than it says.");
            return opened;
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            ArrayPool<byte>.Shared.Return(opened);
            throw new InvalidDataException("A compressed message is damaged.", e);
        }
    }

    private static byte[] Beginning(ReadOnlyMemory<byte> frame)
    {
        try
        {
            using Stream opener = frame.Span is [0x1F, 0x8B, ..]
                ? new GZipStream(Input(frame), CompressionMode.Decompress)
                : new BrotliStream(Input(frame), CompressionMode.Decompress);
            var head = new byte[HeadBytes];
            return head[..opener.ReadAtLeast(head, HeadBytes, throwOnEndOfStream: false)];
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidDataException("A compressed message is damaged.", e);
        }
    }

    private static MemoryStream Input(ReadOnlyMemory<byte> frame)
        => MemoryMarshal.TryGetArray(frame, out var array)
            ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
            : new MemoryStream(frame.ToArray(), writable: false);

    // The client asked for no encoding, and gets none. All else stays, also what a later server says.
    private static byte[] WithoutEncoding(ReadOnlyMemory<byte> start)
    {
        using var message = JsonDocument.Parse(start);
        var buffer = new ArrayBufferWriter<byte>(start.Length);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var member in message.RootElement.EnumerateObject())
            {
                if (!member.NameEquals("encoding")) member.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}

/// <summary>A message on its way to a client.</summary>
/// <param name="Message">Its bytes.</param>
internal readonly record struct PacedFrame(ReadOnlyMemory<byte> Message)
{
    /// <summary>The batch that it is, which counts as taken once it is sent; -1 for none.</summary>
    public int BatchIndex { get; init; } = -1;

    /// <summary>Whether it is compressed already.</summary>
    public bool IsCompressed { get; init; }

    /// <summary>The pool's array that holds it, or null.</summary>
    public byte[]? Rented { get; init; }
}
