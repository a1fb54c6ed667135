namespace Dequeue.Client.Streaming;

/// <summary>The arrays that messages come in.</summary>
internal static class MessageBuffer
{
    /// <summary>The message at the beginning of a buffer. Events keep their message's array alive: a small message must not hold a large
    /// one, so it is copied when much of the buffer would be empty.</summary>
    public static ReadOnlyMemory<byte> Fitted(byte[] buffer, int length)
        => length >= buffer.Length - buffer.Length / 4 ? buffer.AsMemory(0, length) : buffer.AsSpan(0, length).ToArray();
}
