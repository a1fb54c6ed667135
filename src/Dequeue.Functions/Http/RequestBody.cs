using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Http;

/// <summary>Reads a body that may not be larger than it should.</summary>
internal static class RequestBody
{
    /// <summary>Reads the whole body.</summary>
    /// <returns>Null when it is larger than <paramref name="maxBytes"/>; no more than that is ever held.</returns>
    public static async Task<ReadOnlyMemory<byte>?> ReadAsync(HttpRequest request, int maxBytes, CancellationToken cancellationToken)
    {
        if (request.ContentLength > maxBytes) return null;
        var body = new byte[request.ContentLength ?? Math.Min(maxBytes, 16 * 1024)];
        for (var length = 0; ;)
        {
            if (length == body.Length)
            {
                if (request.ContentLength is not null) return body;
                if (length > maxBytes) return null;
                Array.Resize(ref body, (int)Math.Min(2L * length, maxBytes + 1L));
            }

            var read = await request.Body.ReadAsync(body.AsMemory(length), cancellationToken);
            if (read == 0) return body.AsMemory(0, length);
            length += read;
        }
    }
}
