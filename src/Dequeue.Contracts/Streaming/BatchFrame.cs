using System.Buffers.Text;

namespace Dequeue.Contracts.Streaming;

/// <summary>
/// The bytes around the events of a <c>sync.stream.batch</c>. Events are spliced between <see cref="WritePrefix"/> and
/// <see cref="Suffix"/>, joined by commas, and never parsed or written again.
/// </summary>
public static class BatchFrame
{
    /// <summary>Room that a prefix and a suffix take at most, in bytes.</summary>
    public const int MaxOverhead = 192;

    /// <summary>What follows the last event.</summary>
    public static ReadOnlySpan<byte> Suffix => "]}"u8;

    /// <summary>Writes what stands before the first event.</summary>
    /// <param name="destination">At least <see cref="MaxOverhead"/> bytes.</param>
    /// <param name="batchIndex">0, 1, 2 …</param>
    /// <param name="isLast">True on the final batch alone.</param>
    /// <param name="checkpoint">The position after the batch.</param>
    /// <returns>The bytes written.</returns>
    public static int WritePrefix(Span<byte> destination, int batchIndex, bool isLast, Checkpoint checkpoint)
    {
        var at = Put(destination, 0, "{\"type\":\"sync.stream.batch\",\"batchIndex\":"u8);
        Utf8Formatter.TryFormat(batchIndex, destination[at..], out var digits);
        at = Put(destination, at + digits, isLast ? ",\"isLast\":true,\"checkpoint\":\""u8 : ",\"isLast\":false,\"checkpoint\":\""u8);
        at += checkpoint.Format(destination[at..]);
        return Put(destination, at, "\",\"events\":["u8);
    }

    private static int Put(Span<byte> destination, int at, ReadOnlySpan<byte> text)
    {
        text.CopyTo(destination[at..]);
        return at + text.Length;
    }
}
