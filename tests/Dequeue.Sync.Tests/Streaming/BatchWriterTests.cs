using System.IO.Compression;
using System.Text;
using CsCheck;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Dequeue.Contracts.Streaming.Deltas;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Appending;
using Dequeue.Sync.Streaming;
using ZstdSharp;

namespace Dequeue.Sync.Tests.Streaming;

public sealed class BatchWriterTests
{
    /// <summary>Web PubSub's limit of a message.</summary>
    private const int MaxMessage = 1_000_000;

    public static TheoryData<string?, bool> Forms
        => new(from encoding in new[] { null, BatchEncodings.Gzip, BatchEncodings.Brotli, BatchEncodings.Zstandard } from delta in new[] { false, true } select (encoding, delta));

    [Theory, MemberData(nameof(Forms))]
    public void A_message_of_any_form_holds_the_events_to_the_byte(string? encoding, bool delta)
    {
        using var writer = new BatchWriter(encoding, delta);
        var decoder = new DeltaDecoder(MaxMessage);
        string[][] batches = [[.. Events(0, 300)], [.. Events(200, 400)]];
        for (var index = 0; index < batches.Length; index++)
        {
            var pages = batches[index].Chunk(170).Select(Page).ToList();
            var message = Open(encoding, Joined(writer.Parts(new StreamBatch(index, index == 1, pages, Checkpoint.FromTicks(900)) { IsPriority = index == 0 })));

            var batch = Assert.IsType<StreamMessage.Batch>(new StreamMessageReader().Read(message, out _));
            Assert.Equal((index, index == 1, index == 0, Checkpoint.FromTicks(900)), (batch.BatchIndex, batch.IsLast, batch.IsPriority, batch.Checkpoint));
            Assert.Equal(delta, batch.Deltas.Count > 0);
            Assert.Equal(delta && index == 0, batch.ForgetsStates);
            Assert.Equal(batches[index], decoder.Rebuild(batch, out _)!.Events.Select(e => Encoding.UTF8.GetString(e.Json.Span)));
        }
    }

    [Fact]
    public void Only_gzip_without_deltas_takes_pages_as_they_are_stored()
        => Assert.Equal([(BatchEncodings.Gzip, false)], Forms.Select(form => form.Data).Where(form =>
        {
            using var writer = new BatchWriter(form.Item1, form.Item2);
            return writer.TakesPacked;
        }));

    [Theory, MemberData(nameof(Forms))]
    public void The_largest_batch_of_events_that_cannot_be_compressed_is_below_the_limit(string? encoding, bool delta)
    {
        // 1,000 events that fill a page, of 94 characters that no encoding makes smaller than by a fifth: the worst that JSON can be.
        var random = new Random(7);
        var length = Folding.MaxPageBytes / 1000 - 1;
        var events = Enumerable.Range(0, 1000).Select(i =>
        {
            var head = $$"""{"type":"t.u","payload":{"tId":"{{i % 2}}","state":{"n":{{i % 10}},"x":"abcdef"},"x":""" + '"';
            var filler = Enumerable.Range(0, length - head.Length - 3).Select(_ => (char)random.Next('#', '[')).ToArray();
            return head + new string(filler) + "\"}}";
        }).ToArray();
        using var writer = new BatchWriter(encoding, delta);

        var message = Joined(writer.Parts(new StreamBatch(0, false, [Page(events)], Checkpoint.FromTicks(900))));

        Assert.InRange(events.Sum(json => json.Length + 1), Folding.MaxPageBytes - 1000, Folding.MaxPageBytes);
        Assert.InRange(message.Length, 1, MaxMessage - 1);
    }

    [Theory]
    [InlineData(BatchEncodings.Gzip)]
    [InlineData(BatchEncodings.Brotli)]
    [InlineData(BatchEncodings.Zstandard)]
    public void Bytes_that_cannot_be_compressed_grow_by_less_than_a_two_hundredth(string encoding)
    {
        var noise = new byte[StreamLimits.MaxBatchBytes + 8192];
        new Random(7).NextBytes(noise);
        using var packer = new BatchPacker(encoding);

        Assert.InRange(packer.Pack([noise]).Length, noise.Length, noise.Length + noise.Length / 200);
        Assert.True(noise.Length + noise.Length / 200 < MaxMessage);
    }

    [Theory]
    [InlineData(BatchEncodings.Gzip)]
    [InlineData(BatchEncodings.Brotli)]
    [InlineData(BatchEncodings.Zstandard)]
    public void Any_message_opens_to_what_was_packed_and_none_looks_like_plain_JSON(string encoding)
        => Gen.Byte.Array[1, 3000].Array[1, 3].Sample(parts =>
        {
            using var packer = new BatchPacker(encoding);
            var frame = packer.Pack([.. parts.Select(part => (ReadOnlyMemory<byte>)part)]);
            Assert.NotEqual((byte)'{', frame[0]);
            Assert.Equal(parts.SelectMany(part => part), Open(encoding, frame));
        }, iter: 300);

    private static IEnumerable<string> Events(int first, int count)
        => Enumerable.Range(first, count).Select(i =>
            $$$"""{"payload":{"fullState":{"id":"t{{{i % 7}}}","o":{"x":1.0},"title":"Büro","n":{{{i}}}},"taskId":"t{{{i % 7}}}"},"id":"e{{{i}}}","type":"task.updated"}""");

    private static EventPage Page(string[] events)
    {
        var (ends, end) = (new int[events.Length], -1);
        for (var i = 0; i < events.Length; i++) ends[i] = end += 1 + Encoding.UTF8.GetByteCount(events[i]);
        return new EventPage(0, Encoding.UTF8.GetBytes(string.Join(',', events)), ends, [.. Enumerable.Range(1, events.Length).Select(i => (long)i)]);
    }

    private static byte[] Joined(IEnumerable<ReadOnlyMemory<byte>> parts) => [.. parts.SelectMany(part => part.ToArray())];

    private static byte[] Open(string? encoding, byte[] message)
    {
        if (encoding is null) return message;
        var input = new MemoryStream(message);
        using Stream stream = encoding switch
        {
            BatchEncodings.Gzip => new GZipStream(input, CompressionMode.Decompress),
            BatchEncodings.Brotli => new BrotliStream(input, CompressionMode.Decompress),
            _ => new DecompressionStream(input),
        };
        using var opened = new MemoryStream();
        stream.CopyTo(opened);
        return opened.ToArray();
    }
}
