namespace Dequeue.Contracts.Streaming;

/// <summary>
/// How a batch can be compressed. The client names what it takes, the server chooses and says so in <c>start</c>; then each batch
/// is one binary frame that holds the whole JSON message in that encoding. The other messages stay plain.
/// </summary>
public static class BatchEncodings
{
    /// <summary>RFC 1952. Every platform opens it, and the log is stored so that it is sent without being packed again.</summary>
    public const string Gzip = "gzip";

    /// <summary>RFC 7932. Smaller than gzip, but packed anew for each stream.</summary>
    public const string Brotli = "br";

    /// <summary>RFC 8878. Packed anew for each stream, the fastest to pack and to open.</summary>
    public const string Zstandard = "zstd";

    /// <summary>Most encodings that a request may name.</summary>
    internal const int MaxWishes = 16;

    /// <summary>Longest name that is looked at, in characters.</summary>
    internal const int MaxNameLength = 32;

    /// <summary>What to use for a client that takes <paramref name="accepted"/>, best first; null for plain JSON.</summary>
    public static string? Choose(IReadOnlyList<string> accepted)
    {
        ArgumentNullException.ThrowIfNull(accepted);
        return accepted.FirstOrDefault(encoding => encoding is Gzip or Brotli or Zstandard);
    }
}
