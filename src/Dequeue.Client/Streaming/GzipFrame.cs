using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;

namespace Dequeue.Client.Streaming;

/// <summary>
/// A message that came as a gzip frame. It is opened into an array of the size that its own trailer announces, so that neither a
/// bomb nor a lie takes more memory than one message may have.
/// </summary>
internal static class GzipFrame
{
    private const int HeaderBytes = 10, TrailerBytes = 8;

    /// <summary>Whether a message begins as gzip does. JSON never does.</summary>
    public static bool Is(ReadOnlySpan<byte> message) => message.Length > 2 && message[0] == 0x1F && message[1] == 0x8B;

    /// <summary>Opens a frame.</summary>
    /// <param name="frame">The whole message.</param>
    /// <param name="maxBytes">The most that it may hold.</param>
    /// <param name="problem">Why it cannot be opened.</param>
    /// <returns>What it holds, or null when it is truncated, damaged or too large.</returns>
    public static ReadOnlyMemory<byte>? Open(ReadOnlyMemory<byte> frame, int maxBytes, out string? problem)
    {
        problem = "A compressed message is damaged.";
        if (frame.Length < HeaderBytes + TrailerBytes) return null;
        var length = BinaryPrimitives.ReadUInt32LittleEndian(frame.Span[^4..]);
        if (length > maxBytes)
        {
            problem = $"A compressed message holds more than {maxBytes} bytes.";
            return null;
        }

        var message = GC.AllocateUninitializedArray<byte>((int)length);
        try
        {
            using var gzip = new GZipStream(Input(frame), CompressionMode.Decompress);
            gzip.ReadExactly(message);

            // Reads the end too: there the checksum is compared.
            if (gzip.ReadByte() >= 0) return null;
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            return null;
        }

        problem = null;
        return message;
    }

    private static MemoryStream Input(ReadOnlyMemory<byte> frame)
        => MemoryMarshal.TryGetArray(frame, out var array)
            ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
            : new MemoryStream(frame.ToArray(), writable: false);
}
