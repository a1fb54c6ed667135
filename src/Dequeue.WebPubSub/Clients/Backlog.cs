using Dequeue.WebPubSub.Messages;

namespace Dequeue.WebPubSub.Clients;

/// <summary>The bytes that wait for all clients together. A message that waits for many counts once: they share it.</summary>
internal sealed class Backlog(long maxBytes)
{
    private long _bytes;

    /// <summary>Whether more waits than may.</summary>
    public bool IsOver => Interlocked.Read(ref _bytes) > maxBytes;

    /// <summary>A frame waits for one more client.</summary>
    public void Add(OutboundFrame frame)
    {
        if (frame.Message is not { } message) Interlocked.Add(ref _bytes, frame.Size);
        else if (message.Hold()) Interlocked.Add(ref _bytes, message.Data.Length);
    }

    /// <summary>A frame waits for one client less.</summary>
    public void Remove(OutboundFrame frame)
    {
        if (frame.Message is not { } message) Interlocked.Add(ref _bytes, -frame.Size);
        else if (message.Release()) Interlocked.Add(ref _bytes, -message.Data.Length);
    }
}
