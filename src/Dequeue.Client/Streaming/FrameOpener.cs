using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using Dequeue.Contracts.Streaming;
using ZstdSharp;

namespace Dequeue.Client.Streaming;

/// <summary>
/// Opens the compressed messages of a connection, in the encoding that its last <c>start</c> announced. Neither a bomb nor a lie takes
/// more memory than one message may have. Not thread-safe.
/// </summary>
/// <param name="encodings">The encodings that were asked for: others are not opened.</param>
/// <param name="maxBytes">The most that a message may hold.</param>
internal sealed class FrameOpener(IReadOnlyList<string> encodings, int maxBytes) : IDisposable
{
    /// <summary>Longest message that is looked at for being a <c>start</c>, which has some 100 bytes.</summary>
    private const int MaxStartBytes = 1024;

    private const int GzipHeaderBytes = 10, GzipTrailerBytes = 8;

    private readonly StreamMessageReader _reader = new();
    private readonly Decompressor _zstandard = new();
    private string? _encoding;
    private int _expected = 64 * 1024;

    /// <summary>Opens a message; a plain one is returned as it is.</summary>
    /// <param name="frame">The whole message.</param>
    /// <param name="problem">Why it cannot be opened.</param>
    /// <returns>What it holds, or null when it is truncated, damaged or too large.</returns>
    public ReadOnlyMemory<byte>? Open(ReadOnlyMemory<byte> frame, out string? problem)
    {
        problem = null;
        if (IsPlain(frame.Span))
        {
            if (frame.Length <= MaxStartBytes && _reader.Read(frame, out _) is StreamMessage.Start { Encoding: var encoding })
                _encoding = encoding is not null && encodings.Contains(encoding) ? encoding : null;
            return frame;
        }

        if (_encoding is null) return frame;
        problem = "A compressed message is damaged.";
        var opened = _encoding switch
        {
            BatchEncodings.Gzip => Gzip(frame, ref problem),
            BatchEncodings.Brotli => Brotli(frame.Span, ref problem),
            _ => Zstandard(frame.Span, ref problem),
        };
        if (opened is not null) problem = null;
        return opened;
    }

    /// <inheritdoc/>
    public void Dispose() => _zstandard.Dispose();

    // No compressed batch begins with a brace: gzip begins with 1F, Zstandard with 28, and a Brotli stream whose first byte is a brace
    // has the bits ISLAST and ISLASTEMPTY set behind those of its window: it holds nothing.
    private static bool IsPlain(ReadOnlySpan<byte> frame) => frame is [] or [(byte)'{', ..];

    private string TooLarge => $"A compressed message holds more than {maxBytes} bytes.";

    private ReadOnlyMemory<byte>? Gzip(ReadOnlyMemory<byte> frame, ref string? problem)
    {
        if (frame.Length < GzipHeaderBytes + GzipTrailerBytes) return null;
        var length = BinaryPrimitives.ReadUInt32LittleEndian(frame.Span[^4..]);
        if (length > maxBytes)
        {
            problem = TooLarge;
            return null;
        }

        var message = GC.AllocateUninitializedArray<byte>((int)length);
        try
        {
            using var gzip = new GZipStream(Input(frame), CompressionMode.Decompress);
            gzip.ReadExactly(message);

            // Reads the end too: there the checksum is compared.
            if (gzip.ReadByte() >= 0) return null;
            return message;
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            return null;
        }
    }

    // Brotli does not tell how much it holds: the buffer grows, beginning with what the last message needed.
    private ReadOnlyMemory<byte>? Brotli(ReadOnlySpan<byte> frame, ref string? problem)
    {
        var message = GC.AllocateUninitializedArray<byte>(Math.Min(_expected, maxBytes));
        var length = 0;
        using var brotli = new BrotliDecoder();
        while (true)
        {
            var status = brotli.Decompress(frame, message.AsSpan(length), out var consumed, out var written);
            frame = frame[consumed..];
            length += written;
            if (status == OperationStatus.Done)
            {
                _expected = length + length / 8 + 1;
                if (!frame.IsEmpty) return null;
                return MessageBuffer.Fitted(message, length);
            }

            if (status != OperationStatus.DestinationTooSmall) return null;
            if (message.Length == maxBytes)
            {
                problem = TooLarge;
                return null;
            }

            Array.Resize(ref message, (int)Math.Min(2L * message.Length, maxBytes));
        }
    }

    private ReadOnlyMemory<byte>? Zstandard(ReadOnlySpan<byte> frame, ref string? problem)
    {
        try
        {
            var length = Decompressor.GetDecompressedSize(frame);
            if (length > (ulong)maxBytes)
            {
                problem = TooLarge;
                return null;
            }

            var message = GC.AllocateUninitializedArray<byte>((int)length);
            if (!_zstandard.TryUnwrap(frame, message, out var written) || written != message.Length) return null;
            return message;
        }
        catch (ZstdException)
        {
            return null;
        }
    }

    private static MemoryStream Input(ReadOnlyMemory<byte> frame)
        => MemoryMarshal.TryGetArray(frame, out var array)
            ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
            : new MemoryStream(frame.ToArray(), writable: false);
}
