using System.Buffers;
using System.IO.Compression;
using Dequeue.Contracts.Streaming;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Rows;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Dequeue.Sync.Streaming;

/// <summary>
/// Packs whole messages. What cannot be compressed grows by less than 0.5 % in any of the encodings, so that a batch stays below the
/// 1 MB of Web PubSub whatever its events are. The levels are those of docs/decisions/0004-encodings-and-deltas.md.
/// </summary>
/// <param name="encoding">One of <see cref="BatchEncodings"/>.</param>
internal sealed class BatchPacker(string encoding) : IDisposable
{
    private const int BrotliQuality = 5, BrotliWindow = 22, ZstandardLevel = 3;

    private Compressor? _zstandard;

    /// <summary>Packs a message.</summary>
    public byte[] Pack(IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        var length = parts.Sum(part => part.Length);
        var message = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            var at = 0;
            foreach (var part in parts)
            {
                part.Span.CopyTo(message.AsSpan(at));
                at += part.Length;
            }

            return Pack(message.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(message);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _zstandard?.Dispose();

    private byte[] Pack(ReadOnlySpan<byte> message)
        => encoding switch
        {
            BatchEncodings.Gzip => Gzip(message),
            BatchEncodings.Brotli => Brotli(message),
            BatchEncodings.Zstandard => Zstandard(message),
            _ => throw new InvalidOperationException($"Batches are never sent as {encoding}."),
        };

    private static byte[] Gzip(ReadOnlySpan<byte> message)
    {
        using var packed = new MemoryStream(message.Length / 4 + 256);
        using (var gzip = new GZipStream(packed, PackedEvents.Compression, leaveOpen: true)) gzip.Write(message);
        return packed.ToArray();
    }

    private static byte[] Brotli(ReadOnlySpan<byte> message)
    {
        var packed = ArrayPool<byte>.Shared.Rent(BrotliEncoder.GetMaxCompressedLength(message.Length));
        try
        {
            return BrotliEncoder.TryCompress(message, packed, out var length, BrotliQuality, BrotliWindow)
                ? packed.AsSpan(0, length).ToArray()
                : throw new InvalidOperationException("Brotli took more room than it says it may.");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packed);
        }
    }

    private byte[] Zstandard(ReadOnlySpan<byte> message)
    {
        if (_zstandard is null)
        {
            _zstandard = new Compressor(ZstandardLevel);
            _zstandard.SetParameter(ZSTD_cParameter.ZSTD_c_checksumFlag, 1);
        }

        var packed = ArrayPool<byte>.Shared.Rent(Compressor.GetCompressBound(message.Length));
        try
        {
            return packed.AsSpan(0, _zstandard.Wrap(message, packed)).ToArray();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packed);
        }
    }
}
