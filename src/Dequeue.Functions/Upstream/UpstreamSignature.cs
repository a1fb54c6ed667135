using System.Security.Cryptography;
using System.Text;
using Dequeue.Functions.Configuration;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Upstream;

/// <summary>Proves that an event comes from our Web PubSub: HMAC-SHA256 of the connection id under one of its access keys.</summary>
public sealed class UpstreamSignature(WebPubSubSettings settings)
{
    private const string Scheme = "sha256=";

    /// <summary>Checks <c>ce-signature</c>: a comma list of <c>sha256=HEX</c>, one for each key of the service. One that fits any
    /// of our keys is enough, so that keys can be rotated one after the other.</summary>
    public bool IsValid(IHeaderDictionary headers)
    {
        ArgumentNullException.ThrowIfNull(headers);
        return settings.AccessKeys.Any(key => IsSignedWith(key, headers));
    }

    private static bool IsSignedWith(byte[] key, IHeaderDictionary headers)
    {
        var expected = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(headers["ce-connectionId"].ToString()));
        Span<byte> given = stackalloc byte[HMACSHA256.HashSizeInBytes];
        foreach (var part in headers["ce-signature"].ToString().Split(',', StringSplitOptions.TrimEntries))
        {
            if (part.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
                && part.Length == Scheme.Length + 2 * HMACSHA256.HashSizeInBytes
                && Convert.FromHexString(part.AsSpan(Scheme.Length), given, out _, out _) == System.Buffers.OperationStatus.Done
                && CryptographicOperations.FixedTimeEquals(expected, given))
            {
                return true;
            }
        }

        return false;
    }
}
