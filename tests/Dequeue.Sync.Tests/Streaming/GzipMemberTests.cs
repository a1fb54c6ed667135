using System.IO.Compression;
using System.IO.Hashing;
using System.Text;
using CsCheck;
using Dequeue.Contracts;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Streaming;

namespace Dequeue.Sync.Tests.Streaming;

public sealed class GzipMemberTests
{
    [Fact]
    public void Checksums_combine_to_that_of_the_joined_bytes()
        => Gen.Select(Gen.Byte.Array[0, 5000], Gen.Byte.Array[0, 5000]).Sample((first, second) =>
            Assert.Equal(
                Crc32.HashToUInt32([.. first, .. second]),
                Crc32Combination.Combine(Crc32.HashToUInt32(first), Crc32.HashToUInt32(second), second.Length)));

    [Fact]
    public void A_member_of_any_parts_opens_to_the_parts_joined()
        => Gen.Select(Gen.Byte.Array[0, 3000], Gen.Bool).Array[1, 12].Sample(parts =>
        {
            var member = new GzipMember();
            foreach (var (bytes, isStored) in parts)
            {
                if (isStored) member.AddStored(bytes);
                else member.Add(PackedEvents.Pack(bytes));
            }

            member.AddStored("]}"u8, isFinal: true);

            Assert.Equal([.. parts.SelectMany(part => part.Item1), .. "]}"u8], Open(member.Finish()));
        });

    [Fact]
    public void A_gzipped_batch_opens_to_the_plain_one_whether_its_pages_are_packed_or_cut()
    {
        byte[] json = Encoding.UTF8.GetBytes("{\"id\":\"a\"},{\"id\":\"é\"},{\"id\":\"c\"}");
        int[] ends = [10, 22, json.Length];
        long[] ticks = [700, 800, 900];
        var plain = new EventPage(0, json, ends, ticks);
        var packed = new EventPage(0, PackedEvents.Pack(json), ends, ticks);
        var expected = Joined(BatchMessage.Plain(new StreamBatch(3, true, [plain, plain.Slice(1, 2)], Checkpoint.FromTicks(900))));

        var actual = Open(BatchMessage.Gzip(new StreamBatch(3, true, [packed, plain.Slice(1, 2)], Checkpoint.FromTicks(900))));

        Assert.Equal(Encoding.UTF8.GetString(expected), Encoding.UTF8.GetString(actual));
        using var message = System.Text.Json.JsonDocument.Parse(actual);
        Assert.Equal(5, message.RootElement.GetProperty("events").GetArrayLength());
        Assert.Equal(Checkpoint.FromTicks(900).ToString(), message.RootElement.GetProperty("checkpoint").GetString());
    }

    private static byte[] Joined(IEnumerable<ReadOnlyMemory<byte>> parts) => [.. parts.SelectMany(part => part.ToArray())];

    private static byte[] Open(IEnumerable<ReadOnlyMemory<byte>> parts)
    {
        using var gzip = new GZipStream(new MemoryStream(Joined(parts)), CompressionMode.Decompress);
        using var opened = new MemoryStream();
        gzip.CopyTo(opened);
        return opened.ToArray();
    }
}
