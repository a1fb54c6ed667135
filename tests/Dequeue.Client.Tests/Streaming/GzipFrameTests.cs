using System.Buffers.Binary;
using System.IO.Compression;
using Dequeue.Client.Streaming;

namespace Dequeue.Client.Tests.Streaming;

public sealed class GzipFrameTests
{
    private const int Limit = 1024 * 1024;
    private static readonly byte[] Message = [.. Enumerable.Range(0, 50_000).Select(i => (byte)(i * 7 % 61))];

    [Fact]
    public void A_frame_opens_to_what_was_packed()
    {
        Assert.True(GzipFrame.Is(Pack(Message)));
        Assert.False(GzipFrame.Is("{\"type\":"u8));
        Assert.Equal(Message, GzipFrame.Open(Pack(Message), Limit, out _)!.Value.ToArray());
    }

    [Fact]
    public void A_truncated_frame_is_refused_wherever_it_is_cut()
    {
        var frame = Pack(Message);
        for (var length = 0; length < frame.Length; length += 13) AssertRefused(frame[..length]);
    }

    [Fact]
    public void A_frame_with_a_changed_byte_is_refused_or_opens_to_the_same()
    {
        var frame = Pack(Message);
        for (var at = 2; at < frame.Length; at++)
        {
            var damaged = frame.ToArray();
            damaged[at] ^= 0x10;
            if (GzipFrame.Open(damaged, Limit, out _) is { } opened) Assert.Equal(Message, opened.ToArray());
        }
    }

    [Fact]
    public void A_bomb_is_refused_by_what_it_announces_and_by_what_it_holds()
    {
        var honest = Pack(new byte[64 * Limit]);
        var lying = honest.ToArray();
        BinaryPrimitives.WriteUInt32LittleEndian(lying.AsSpan(lying.Length - 4), 1000);
        var before = GC.GetAllocatedBytesForCurrentThread();

        AssertRefused(honest);
        AssertRefused(lying);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Limit);
    }

    private static void AssertRefused(byte[] frame)
    {
        Assert.Null(GzipFrame.Open(frame, Limit, out var problem));
        Assert.NotNull(problem);
    }

    private static byte[] Pack(byte[] message)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal)) gzip.Write(message);
        return packed.ToArray();
    }
}
