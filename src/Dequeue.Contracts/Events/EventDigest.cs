using System.Security.Cryptography;

namespace Dequeue.Contracts.Events;

/// <summary>
/// The digest of a history: SHA-256 over the bytes of each event, in order, each followed by a line feed. Two devices with
/// the same digest hold the same events, byte for byte, in the same order.
/// </summary>
public sealed class EventDigest : IDisposable
{
    // Events are gathered into blocks: one call of the hash for each would cost more than the hashing.
    private const int BlockSize = 16 * 1024;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _block = new byte[BlockSize];
    private int _filled;

    /// <summary>The digest of <paramref name="events"/>.</summary>
    public static string Of(IReadOnlyList<SyncEvent> events)
    {
        ArgumentNullException.ThrowIfNull(events);
        using var digest = new EventDigest();
        for (var i = 0; i < events.Count; i++) digest.Append(events[i].Json.Span);
        return digest.ToString();
    }

    /// <summary>The digest of events, each as it stands in a message.</summary>
    public static string Of(IEnumerable<ReadOnlyMemory<byte>> events)
    {
        ArgumentNullException.ThrowIfNull(events);
        using var digest = new EventDigest();
        foreach (var json in events) digest.Append(json.Span);
        return digest.ToString();
    }

    /// <summary>Adds one event, as it stands in a message.</summary>
    public void Append(ReadOnlySpan<byte> eventJson)
    {
        if (eventJson.Length + 1 > BlockSize - _filled) Flush();
        if (eventJson.Length + 1 > BlockSize)
        {
            _hash.AppendData(eventJson);
        }
        else
        {
            eventJson.CopyTo(_block.AsSpan(_filled));
            _filled += eventJson.Length;
        }

        _block[_filled++] = (byte)'\n';
    }

    /// <summary>The digest so far, 64 lower-case hex digits. More events may follow.</summary>
    public override string ToString() => Hex(ToBytes());

    /// <summary>The digest so far, 32 bytes. More events may follow.</summary>
    public byte[] ToBytes()
    {
        Flush();
        return _hash.GetCurrentHash();
    }

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();

    private void Flush()
    {
        _hash.AppendData(_block.AsSpan(0, _filled));
        _filled = 0;
    }

    private static string Hex(ReadOnlySpan<byte> hash)
#if NET9_0_OR_GREATER
        => Convert.ToHexStringLower(hash);
#else
        => Convert.ToHexString(hash).ToLowerInvariant();
#endif
}
