using System.Buffers.Binary;
using System.Numerics;

namespace Dequeue.Sync.Log.Checking;

/// <summary>
/// A SHA-256 (FIPS 180-4) that can be stored between two appends, which the platform's cannot. What is stored: the eight words of
/// the state, big-endian, then the bytes that do not fill a block yet; how many were hashed is kept by whoever stores it.
/// </summary>
internal sealed class Sha256State
{
    private const int BlockBytes = 64;
    private const int StateBytes = 32;

    private readonly uint[] _state;
    private readonly byte[] _pending = new byte[BlockBytes];
    private long _length;

    /// <summary>The hash of nothing yet.</summary>
    public Sha256State() => _state = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

    private Sha256State(uint[] state, ReadOnlySpan<byte> pending, long length)
    {
        (_state, _length) = (state, length);
        pending.CopyTo(_pending);
    }

    private Span<byte> Pending => _pending.AsSpan(0, (int)(_length % BlockBytes));

    /// <summary>Takes up a stored hash.</summary>
    /// <param name="stored">What <see cref="Save"/> gave.</param>
    /// <param name="length">How many bytes had been hashed.</param>
    /// <returns>Null when the two do not belong together.</returns>
    public static Sha256State? Load(ReadOnlySpan<byte> stored, long length)
    {
        if (length < 0 || stored.Length != StateBytes + length % BlockBytes) return null;
        var state = new uint[StateBytes / sizeof(uint)];
        for (var i = 0; i < state.Length; i++) state[i] = BinaryPrimitives.ReadUInt32BigEndian(stored[(i * sizeof(uint))..]);
        return new Sha256State(state, stored[StateBytes..], length);
    }

    /// <summary>The hash as it is stored: 32 to 95 bytes.</summary>
    public byte[] Save() => [.. StateWords(), .. Pending];

    /// <summary>Adds bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        var pending = Pending.Length;
        _length += bytes.Length;
        if (pending > 0)
        {
            var taken = Math.Min(BlockBytes - pending, bytes.Length);
            bytes[..taken].CopyTo(_pending.AsSpan(pending));
            bytes = bytes[taken..];
            if (pending + taken < BlockBytes) return;
            Compress(_pending);
        }

        for (; bytes.Length >= BlockBytes; bytes = bytes[BlockBytes..]) Compress(bytes);
        bytes.CopyTo(_pending);
    }

    /// <summary>The SHA-256 of all that was added. More may follow.</summary>
    public byte[] Digest()
    {
        // A one bit, zeros up to the end of a block, and there the number of bits.
        var end = new Sha256State([.. _state], Pending, _length);
        Span<byte> padding = stackalloc byte[BlockBytes + sizeof(long)];
        padding.Clear();
        padding[0] = 0x80;
        var zeros = (int)((2 * BlockBytes - 1 - sizeof(long) - _length % BlockBytes) % BlockBytes);
        BinaryPrimitives.WriteInt64BigEndian(padding[(1 + zeros)..], _length * 8);
        end.Append(padding[..(1 + zeros + sizeof(long))]);
        return end.StateWords();
    }

    private byte[] StateWords()
    {
        var bytes = new byte[StateBytes];
        for (var i = 0; i < _state.Length; i++) BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(i * sizeof(uint)), _state[i]);
        return bytes;
    }

    private void Compress(ReadOnlySpan<byte> block)
    {
        Span<uint> w = stackalloc uint[64];
        for (var i = 0; i < 16; i++) w[i] = BinaryPrimitives.ReadUInt32BigEndian(block[(i * sizeof(uint))..]);
        for (var i = 16; i < w.Length; i++)
        {
            var (x, y) = (w[i - 15], w[i - 2]);
            w[i] = w[i - 16] + w[i - 7] + (BitOperations.RotateRight(x, 7) ^ BitOperations.RotateRight(x, 18) ^ x >> 3)
                + (BitOperations.RotateRight(y, 17) ^ BitOperations.RotateRight(y, 19) ^ y >> 10);
        }

        var s = _state;
        var (a, b, c, d, e, f, g, h) = (s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]);
        for (var i = 0; i < w.Length; i++)
        {
            var one = h + (BitOperations.RotateRight(e, 6) ^ BitOperations.RotateRight(e, 11) ^ BitOperations.RotateRight(e, 25))
                + (e & f ^ ~e & g) + Constants[i] + w[i];
            var two = (BitOperations.RotateRight(a, 2) ^ BitOperations.RotateRight(a, 13) ^ BitOperations.RotateRight(a, 22))
                + (a & b ^ a & c ^ b & c);
            (h, g, f, e, d, c, b, a) = (g, f, e, d + one, c, b, a, one + two);
        }

        (s[0], s[1], s[2], s[3]) = (s[0] + a, s[1] + b, s[2] + c, s[3] + d);
        (s[4], s[5], s[6], s[7]) = (s[4] + e, s[5] + f, s[6] + g, s[7] + h);
    }

    private static ReadOnlySpan<uint> Constants =>
    [
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    ];
}
