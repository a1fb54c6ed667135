namespace Dequeue.WebPubSub.Tokens;

/// <summary>
/// Compares a token's audience with the request it came with. Only path and query count: one service is called localhost,
/// 127.0.0.1 and the name of its container, and the signature already shows who made the token.
/// </summary>
internal static class Audience
{
    /// <summary>A REST token names the whole request URL; without its query is accepted too.</summary>
    public static bool MatchesRequest(TokenClaims claims, string rawTarget)
    {
        var path = rawTarget.AsSpan(0, rawTarget.AsSpan().IndexOf('?') is var query and >= 0 ? query : rawTarget.Length);
        foreach (var audience in claims["aud"])
        {
            var target = Target(audience);
            if (target.IsEmpty) continue;
            if (Same(target, rawTarget) || Same(target, path)) return true;

            // An SDK may have encoded a name otherwise than its HTTP client did on the way out.
            var decoded = Uri.UnescapeDataString(target);
            if (Same(decoded, Uri.UnescapeDataString(rawTarget)) || Same(decoded, Uri.UnescapeDataString(path))) return true;
        }

        return false;
    }

    /// <summary>A client token names the client endpoint of its hub.</summary>
    public static bool MatchesHub(TokenClaims claims, string hub)
    {
        foreach (var audience in claims["aud"])
        {
            if (Same(Uri.UnescapeDataString(Target(audience).TrimEnd('/')), $"/client/hubs/{hub}")) return true;
        }

        return false;
    }

    private static bool Same(ReadOnlySpan<char> left, ReadOnlySpan<char> right) => left.Equals(right, StringComparison.OrdinalIgnoreCase);

    private static ReadOnlySpan<char> Target(string audience)
    {
        var text = audience.AsSpan();
        if (text.StartsWith("http://", StringComparison.OrdinalIgnoreCase)) text = text[7..];
        else if (text.StartsWith("https://", StringComparison.OrdinalIgnoreCase)) text = text[8..];
        else return [];
        var slash = text.IndexOf('/');
        return slash < 0 ? [] : text[slash..];
    }
}
