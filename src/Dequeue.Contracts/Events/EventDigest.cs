using System.Security.Cryptography;

namespace Dequeue.Contracts.Events;

/// <summary>
/// The digest of a history: SHA-256 over the bytes of each event, in order, each followed by a line feed. Two devices with
/// the same digest hold the same events, byte for byte, in the same order.
/// </summary>
public sealed class EventDigest : IDisposable
{
    private static readonly byte[] LineFeed = [(byte)'\n'];
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Adds one event, as it stands in a message.</summary>
    public void Append(ReadOnlySpan<byte> eventJson)
    {
        _hash.AppendData(eventJson);
        _hash.AppendData(LineFeed);
    }

    /// <summary>The digest so far, 64 lower-case hex digits. More events may follow.</summary>
    public override string ToString() => Convert.ToHexStringLower(_hash.GetCurrentHash());

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();
}
