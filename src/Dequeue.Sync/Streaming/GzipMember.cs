using System.Buffers.Binary;
using System.IO.Hashing;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Rows;

namespace Dequeue.Sync.Streaming;

/// <summary>
/// A gzip member (RFC 1952) put together from parts that are DEFLATE already. One member, because not every reader takes several:
/// a browser's DecompressionStream refuses what follows the first.
/// </summary>
internal sealed class GzipMember
{
    /// <summary>Magic, DEFLATE, no flags, no time, no hint, unknown system.</summary>
    private static readonly byte[] Header = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];

    private const int BlockHeaderBytes = 5;

    private readonly List<ReadOnlyMemory<byte>> _parts = [Header];
    private uint _crc;
    private uint _length;

    /// <summary>Adds bytes as a stored block.</summary>
    /// <param name="bytes">At most 65,535.</param>
    /// <param name="isFinal">True for the last block of the member.</param>
    public void AddStored(ReadOnlySpan<byte> bytes, bool isFinal = false)
    {
        var block = new byte[BlockHeaderBytes + bytes.Length];
        block[0] = isFinal ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt16LittleEndian(block.AsSpan(1), checked((ushort)bytes.Length));
        BinaryPrimitives.WriteUInt16LittleEndian(block.AsSpan(3), (ushort)~bytes.Length);
        bytes.CopyTo(block.AsSpan(BlockHeaderBytes));
        Add(block, Crc32.HashToUInt32(bytes), bytes.Length);
    }

    /// <summary>Adds a segment as it is.</summary>
    public void Add(PackedEvents segment) => Add(segment.Segment, segment.Crc32, segment.Length);

    /// <summary>Ends the member.</summary>
    public List<ReadOnlyMemory<byte>> Finish()
    {
        var trailer = new byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(trailer, _crc);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer.AsSpan(4), _length);
        _parts.Add(trailer);
        return _parts;
    }

    private void Add(ReadOnlyMemory<byte> deflated, uint crc, int length)
    {
        _parts.Add(deflated);
        _crc = Crc32Combination.Combine(_crc, crc, length);
        _length = unchecked(_length + (uint)length);
    }
}

/// <summary>The CRC-32 of two byte strings joined, from their own: multiplication of polynomials modulo that of CRC-32.</summary>
internal static class Crc32Combination
{
    /// <summary>The polynomial of CRC-32, bits reflected: the highest bit is x^0.</summary>
    private const uint Polynomial = 0xEDB88320;
    private const uint One = 1u << 31;

    /// <summary>x^(2^i) for each i.</summary>
    private static readonly uint[] PowersOfX = Powers();

    /// <summary>The CRC-32 of A followed by B.</summary>
    /// <param name="first">That of A.</param>
    /// <param name="second">That of B.</param>
    /// <param name="secondLength">Bytes of B.</param>
    public static uint Combine(uint first, uint second, int secondLength)
    {
        // A is shifted by the bits of B: multiplied by x^(8 × length).
        var shift = One;
        for (var (bytes, power) = ((uint)secondLength, 3); bytes != 0; bytes >>= 1, power++)
        {
            if ((bytes & 1) != 0) shift = Multiply(PowersOfX[power % 32], shift);
        }

        return Multiply(shift, first) ^ second;
    }

    private static uint Multiply(uint a, uint b)
    {
        uint product = 0;
        for (var bit = One; bit != 0; bit >>= 1)
        {
            if ((a & bit) != 0) product ^= b;
            b = (b & 1) != 0 ? (b >> 1) ^ Polynomial : b >> 1;
        }

        return product;
    }

    private static uint[] Powers()
    {
        var powers = new uint[32];
        powers[0] = One >> 1;
        for (var i = 1; i < powers.Length; i++) powers[i] = Multiply(powers[i - 1], powers[i - 1]);
        return powers;
    }
}
