using System.IO.Compression;

namespace Dequeue.Client.Rest;

/// <summary>Reads the body of an answer. Decompressed here, not by the handler, so that the bytes on the wire are known and the size
/// is bounded.</summary>
internal static class BoundedBody
{
    /// <exception cref="InvalidDataException">The body is damaged, or larger than <paramref name="maxBytes"/>.</exception>
    public static async Task<(ReadOnlyMemory<byte> Body, long WireBytes)> ReadAsync(HttpContent content, int maxBytes, CancellationToken cancellationToken)
    {
        using var raw = new CountingStream(await content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false));
        using Stream body = content.Headers.ContentEncoding.LastOrDefault() switch
        {
            "br" => new BrotliStream(raw, CompressionMode.Decompress),
            "gzip" => new GZipStream(raw, CompressionMode.Decompress),
            _ => raw,
        };
        var expected = body == raw ? content.Headers.ContentLength : content.Headers.ContentLength * 8;
        var buffer = GC.AllocateUninitializedArray<byte>((int)Math.Clamp((expected ?? 32 * 1024) + 1, 1024, maxBytes));
        var length = 0;
        while (true)
        {
            var read = await body.ReadAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
            if (read == 0) return (buffer.AsMemory(0, length), raw.Count);
            length += read;
            if (length < buffer.Length) continue;
            if (length >= maxBytes) throw new InvalidDataException("The body is too large.");
            Array.Resize(ref buffer, (int)Math.Min(2L * length, maxBytes));
        }
    }
}
