using System.Buffers.Binary;
using System.IO.Compression;
using CsCheck;
using Dequeue.Client.Streaming;
using Dequeue.Contracts.Streaming;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Dequeue.Client.Tests.Streaming;

public sealed class FrameOpenerTests
{
    private const int Limit = 1024 * 1024;
    private static readonly byte[] Message = [.. Enumerable.Range(0, 50_000).Select(i => (byte)(i * 7 % 61))];

    public static TheoryData<string> Encodings => [BatchEncodings.Gzip, BatchEncodings.Brotli, BatchEncodings.Zstandard];

    [Theory, MemberData(nameof(Encodings))]
    public void A_frame_opens_to_what_was_packed_and_plain_ones_between_stay_as_they_are(string encoding)
    {
        using var opener = Opener(encoding);
        var large = new byte[Limit];
        foreach (var message in new[] { Message, "{}"u8.ToArray(), large, "{\"type\":"u8.ToArray(), [.. Message, 1] })
        {
            Assert.Equal(message, opener.Open(Pack(encoding, message), out _)!.Value.ToArray());
        }

        Assert.Equal("{\"type\":"u8, opener.Open("{\"type\":"u8.ToArray(), out _)!.Value.Span);
        Assert.Equal(0, opener.Open(ReadOnlyMemory<byte>.Empty, out _)!.Value.Length);
    }

    [Theory, MemberData(nameof(Encodings))]
    public void A_truncated_frame_is_refused_wherever_it_is_cut(string encoding)
    {
        using var opener = Opener(encoding);
        var frame = Pack(encoding, Message);
        for (var length = 1; length < frame.Length; length++) AssertRefused(opener, frame[..length]);
    }

    [Theory, MemberData(nameof(Encodings))]
    public void A_frame_with_more_behind_it_is_refused(string encoding)
    {
        using var opener = Opener(encoding);
        var frame = Pack(encoding, Message);

        AssertRefused(opener, [.. frame, 0]);
        AssertRefused(opener, [.. frame, .. "garbage"u8]);

        // Zstandard frames may follow each other: then it is the JSON that does not end where it should.
        if (opener.Open((byte[])[.. frame, .. frame], out _) is { } both) Assert.Equal(2 * Message.Length, both.Length);
    }

    [Theory]
    [InlineData(BatchEncodings.Gzip)]
    [InlineData(BatchEncodings.Zstandard)]
    public void A_frame_with_a_changed_byte_is_refused_or_opens_to_the_same(string encoding)
    {
        using var opener = Opener(encoding);
        var frame = Pack(encoding, Message);
        for (var bit = 0; bit < 8 * frame.Length; bit++)
        {
            var damaged = frame.ToArray();
            damaged[bit / 8] ^= (byte)(1 << bit % 8);
            if (damaged[0] != '{' && opener.Open(damaged, out _) is { } opened) Assert.Equal(Message, opened.ToArray());
        }
    }

    [Fact]
    public void A_frame_of_any_bytes_opens_within_the_bound_or_is_refused()
        => Gen.Select(Gen.Int[0, 2].Select(i => ((string[])[BatchEncodings.Gzip, BatchEncodings.Brotli, BatchEncodings.Zstandard])[i]), Gen.Select(Gen.Int[0, 1 << 20], Gen.Byte).Array[1, 8], Gen.Bool).Sample((encoding, damage, keepsHead) =>
        {
            using var opener = Opener(encoding);
            var frame = Pack(encoding, Message);
            foreach (var (at, value) in damage) frame[keepsHead ? 4 + at % (frame.Length - 4) : at % frame.Length] = value;
            if (opener.Open(frame, out var problem) is { } opened) Assert.InRange(opened.Length, 0, Limit);
            else Assert.NotNull(problem);
        }, iter: 3000);

    [Theory, MemberData(nameof(Encodings))]
    public void A_bomb_is_refused_with_no_more_memory_than_a_few_messages(string encoding)
    {
        using var opener = Opener(encoding);
        var bomb = Pack(encoding, new byte[64 * Limit]);
        var before = GC.GetAllocatedBytesForCurrentThread();

        AssertRefused(opener, bomb);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 * Limit);
    }

    [Fact]
    public void A_bomb_that_lies_about_its_size_is_refused()
    {
        using var gzip = Opener(BatchEncodings.Gzip);
        var lying = Pack(BatchEncodings.Gzip, new byte[64 * Limit]);
        BinaryPrimitives.WriteUInt32LittleEndian(lying.AsSpan(lying.Length - 4), 1000);
        AssertRefused(gzip, lying);

        using var zstandard = Opener(BatchEncodings.Zstandard);
        lying = Pack(BatchEncodings.Zstandard, new byte[64 * Limit]);
        Assert.Equal(64 * Limit, BinaryPrimitives.ReadInt32LittleEndian(lying.AsSpan(6)));
        BinaryPrimitives.WriteInt32LittleEndian(lying.AsSpan(6), 1000);
        AssertRefused(zstandard, lying);
    }

    [Fact]
    public void A_Brotli_stream_that_begins_with_a_brace_holds_nothing()
    {
        var output = new byte[100];
        for (var next = 0; next < 1 << 16; next++)
        {
            using var brotli = new BrotliDecoder();
            byte[] frame = [(byte)'{', (byte)next, (byte)(next >> 8), 0, 0, 0, 0, 0];
            brotli.Decompress(frame, output, out _, out var written);
            Assert.Equal(0, written);
        }
    }

    [Fact]
    public void What_was_not_announced_or_not_asked_for_is_not_opened()
    {
        var frame = Pack(BatchEncodings.Gzip, Message);
        using var unannounced = new FrameOpener([BatchEncodings.Gzip], Limit);
        using var unasked = new FrameOpener([BatchEncodings.Brotli], Limit);
        unasked.Open(new StreamMessage.Start(1, BatchEncodings.Gzip).ToUtf8Bytes(), out _);

        Assert.Equal(frame, unannounced.Open(frame, out _)!.Value.ToArray());
        Assert.Equal(frame, unasked.Open(frame, out _)!.Value.ToArray());
    }

    [Fact]
    public void The_last_start_of_a_connection_counts()
    {
        using var opener = new FrameOpener([BatchEncodings.Gzip, BatchEncodings.Brotli], Limit);
        opener.Open(new StreamMessage.Start(1, BatchEncodings.Gzip).ToUtf8Bytes(), out _);
        Assert.Equal(Message, opener.Open(Pack(BatchEncodings.Gzip, Message), out _)!.Value.ToArray());
        opener.Open(new StreamMessage.Start(1, BatchEncodings.Brotli).ToUtf8Bytes(), out _);
        Assert.Equal(Message, opener.Open(Pack(BatchEncodings.Brotli, Message), out _)!.Value.ToArray());
    }

    private static FrameOpener Opener(string encoding)
    {
        var opener = new FrameOpener([encoding], Limit);
        Assert.NotNull(opener.Open(new StreamMessage.Start(1, encoding).ToUtf8Bytes(), out _));
        return opener;
    }

    private static void AssertRefused(FrameOpener opener, byte[] frame)
    {
        Assert.Null(opener.Open(frame, out var problem));
        Assert.NotNull(problem);
    }

    private static byte[] Pack(string encoding, byte[] message)
    {
        if (encoding == BatchEncodings.Zstandard)
        {
            using var compressor = new Compressor(3);
            compressor.SetParameter(ZSTD_cParameter.ZSTD_c_checksumFlag, 1);
            return compressor.Wrap(message).ToArray();
        }

        using var packed = new MemoryStream();
        using (Stream pack = encoding == BatchEncodings.Gzip ? new GZipStream(packed, CompressionLevel.Optimal) : new BrotliStream(packed, CompressionLevel.Fastest)) pack.Write(message);
        return packed.ToArray();
    }
}
