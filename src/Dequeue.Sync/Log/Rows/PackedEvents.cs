using System.IO.Compression;
using System.IO.Hashing;

namespace Dequeue.Sync.Log.Rows;

/// <summary>
/// Events joined by commas, as they are stored: one raw DEFLATE segment that begins with an empty window and ends on a byte
/// boundary without a final block. Such segments can be concatenated, so that a gzip body is spliced from stored bytes
/// (docs/decisions/0001-pages-as-deflate-segments.md).
/// </summary>
/// <param name="Segment">The segment.</param>
/// <param name="Crc32">The CRC-32 of what it holds, as gzip computes it.</param>
/// <param name="Length">Bytes of what it holds.</param>
public readonly record struct PackedEvents(ReadOnlyMemory<byte> Segment, uint Crc32, int Length)
{
    /// <summary>zlib's level 5: 99 % of what level 6 saves in 73 % of its time, see the decision record.</summary>
    internal static readonly ZLibCompressionOptions Compression = new() { CompressionLevel = 5 };

    /// <summary>zlib's level 1, for what is sent once: a third of the time, a sixth more bytes.</summary>
    internal static readonly ZLibCompressionOptions Quick = new() { CompressionLevel = 1 };

    /// <summary>Packs bytes.</summary>
    public static PackedEvents Pack(ReadOnlySpan<byte> json) => Pack(json, Compression);

    /// <summary>Packs bytes.</summary>
    internal static PackedEvents Pack(ReadOnlySpan<byte> json, ZLibCompressionOptions compression)
    {
        var segment = new MemoryStream(json.Length / 4 + 256);
        using var deflate = new DeflateStream(segment, compression, leaveOpen: true);
        deflate.Write(json);
        deflate.Flush();

        // What disposing the compressor appends is the final block, which is not part of the segment.
        return new PackedEvents(segment.GetBuffer().AsSpan(0, (int)segment.Length).ToArray(), System.IO.Hashing.Crc32.HashToUInt32(json), json.Length);
    }

    /// <summary>Unpacks.</summary>
    /// <exception cref="InvalidDataException">The segment is damaged, or does not hold what its checksum says.</exception>
    public byte[] Unpack()
    {
        var json = GC.AllocateUninitializedArray<byte>(Length);
        using var inflate = new DeflateStream(Input(Segment), CompressionMode.Decompress);
        try
        {
            inflate.ReadExactly(json);
        }
        catch (EndOfStreamException e)
        {
            throw new InvalidDataException("the content ends early", e);
        }

        return System.IO.Hashing.Crc32.HashToUInt32(json) == Crc32 ? json : throw new InvalidDataException("the checksum is wrong");
    }

    private static MemoryStream Input(ReadOnlyMemory<byte> segment)
        => System.Runtime.InteropServices.MemoryMarshal.TryGetArray(segment, out var array)
            ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
            : new MemoryStream(segment.ToArray(), writable: false);
}
