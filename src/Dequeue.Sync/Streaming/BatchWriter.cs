using Dequeue.Contracts.Streaming;
using Dequeue.Contracts.Streaming.Deltas;

namespace Dequeue.Sync.Streaming;

/// <summary>
/// Writes the messages of one window of batches in the form that its client asked for. Not thread-safe.
/// </summary>
/// <param name="encoding">One of <see cref="BatchEncodings"/>, or null for plain JSON.</param>
/// <param name="delta">Whether states come as patches. A new writer knows no states, so its first batch says that they are reset.</param>
public sealed class BatchWriter(string? encoding, bool delta) : IDisposable
{
    private readonly DeltaEncoder? _deltas = delta ? new DeltaEncoder() : null;
    private readonly BatchPacker? _packer = encoding is null ? null : new BatchPacker(encoding);

    /// <summary>Whether pages may stay packed: they are spliced as they are stored.</summary>
    public bool TakesPacked => encoding == BatchEncodings.Gzip && _deltas is null;

    /// <summary>The message of the next batch, as parts that are sent one after the other. Valid until the next call.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Parts(StreamBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (TakesPacked) return BatchMessage.Gzip(batch);
        var parts = _deltas is null ? BatchMessage.Plain(batch) : BatchMessage.Plain(batch, _deltas);
        return _packer is null ? parts : [_packer.Pack(parts)];
    }

    /// <inheritdoc/>
    public void Dispose() => _packer?.Dispose();
}
