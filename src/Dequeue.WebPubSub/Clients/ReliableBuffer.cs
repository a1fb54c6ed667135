using Dequeue.WebPubSub.Messages;

namespace Dequeue.WebPubSub.Clients;

/// <summary>
/// The messages that a reliable client has not acknowledged, in order, numbered from 1. The connection's lock guards it.
/// </summary>
internal sealed class ReliableBuffer(WebPubSubLimits limits, Backlog backlog)
{
    private readonly Queue<OutboundFrame> _frames = new();
    private ulong _last;
    private long _bytes;

    /// <summary>Bytes of the messages.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>The messages to send again when the client comes back.</summary>
    public IEnumerable<OutboundFrame> Unacknowledged => _frames;

    /// <summary>Numbers a message and keeps it.</summary>
    /// <returns>False when the client is too far behind.</returns>
    public bool TryAdd(Message message, out OutboundFrame frame)
    {
        frame = new OutboundFrame(message, ++_last, null);
        if (_frames.Count >= limits.MaxQueuedMessages || _bytes + frame.Size > limits.MaxQueuedBytes) return false;
        _frames.Enqueue(frame);
        Interlocked.Add(ref _bytes, frame.Size);
        backlog.Add(frame);
        return true;
    }

    /// <summary>Releases every message up to an id.</summary>
    public void Acknowledge(ulong sequenceId)
    {
        while (_frames.TryPeek(out var frame) && frame.SequenceId <= sequenceId)
        {
            _frames.Dequeue();
            Interlocked.Add(ref _bytes, -frame.Size);
            backlog.Remove(frame);
        }
    }

    /// <summary>Releases every message: nobody will ask for it any more.</summary>
    public void Clear() => Acknowledge(ulong.MaxValue);
}
