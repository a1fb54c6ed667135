using System.IO.Compression;
using System.Text;
using Dequeue.Contracts;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Tests.Log;

public sealed class EventPageTests
{
    private static readonly EventPage Page = new(10, "{1},{22},{333}"u8.ToArray(), [3, 8, 14], [Tick(1), Tick(5), Tick(6)]);

    [Fact]
    public void A_page_knows_its_events_and_positions()
    {
        Assert.Equal((3, 10L, At(1), At(6)), (Page.Count, Page.Before, Page.First, Page.Last));
        Assert.Equal(["{1}", "{22}", "{333}"], Enumerable.Range(0, 3).Select(i => Text(Page.EventAt(i))));
        Assert.Equal("{1},{22},{333}", Text(Page.Json));
        Assert.Throws<ArgumentOutOfRangeException>(() => Page.EventAt(3));
        Assert.Throws<ArgumentOutOfRangeException>(() => Page.CheckpointAt(-1));
    }

    [Fact]
    public void A_slice_of_a_slice_is_a_page_of_its_own()
    {
        var slice = Page.Slice(1, 2).Slice(0, 1);
        Assert.Equal((1, 11L, At(5), At(5), "{22}"), (slice.Count, slice.Before, slice.First, slice.Last, Text(slice.Json)));
        Assert.Equal("{333}", Text(Page.Slice(1, 2).EventAt(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Page.Slice(1, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => Page.Slice(0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => slice.EventAt(1));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(4, 1)]
    [InlineData(5, 2)]
    [InlineData(99, 3)]
    public void A_checkpoint_falls_between_events(int at, int events) => Assert.Equal(events, Page.CountThrough(At(at)));

    [Fact]
    public void Segments_of_pages_joined_are_one_gzip_body()
    {
        EventPage[] pages = [Page, new(13, Encoding.UTF8.GetBytes("\"" + new string('x', 200_000) + "\""), [200_002], [Tick(9)])];
        using var body = new MemoryStream();
        body.Write([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]);
        foreach (var row in pages.Select(PageFormat.Encode))
        {
            foreach (var chunk in row.Properties.Where(property => property.Key[0] == 'd').OrderBy(property => property.Key, StringComparer.Ordinal))
            {
                body.Write(((ReadOnlyMemory<byte>)chunk.Value).Span);
            }
        }

        // An empty final block, then the checksum and length, which this reader does not need.
        body.Write([3, 0]);
        body.Position = 10;
        using var inflate = new DeflateStream(body, CompressionMode.Decompress);
        using var text = new StreamReader(inflate);
        Assert.Equal(Text(pages[0].Json) + Text(pages[1].Json), text.ReadToEnd());
    }

    [Fact]
    public void A_page_of_a_thousand_events_survives_its_row()
    {
        var ends = new int[1000];
        var json = new StringBuilder();
        for (var i = 0; i < 1000; i++)
        {
            if (i > 0) json.Append(',');
            json.Append('{').Append(i * i).Append('}');
            ends[i] = json.Length;
        }

        var page = new EventPage(5_000_000_000, Encoding.UTF8.GetBytes(json.ToString()), ends, [.. Enumerable.Range(1, 1000).Select(i => Tick(i * i))]);
        var row = PageFormat.Encode(page);
        var read = PageFormat.Decode(row);
        Assert.Equal((page.Before, page.Count, page.First, page.Last, Text(page.Json)), (read.Before, read.Count, read.First, read.Last, Text(read.Json)));
        Assert.True(PageFormat.HasRightDigest(row, read));
        Assert.False(PageFormat.HasRightDigest(row, read.Slice(0, 999)));
        Assert.True(TableLimits.SizeOf(row) < TableLimits.RowBytes);
        foreach (var stored in new[] { read, PageFormat.DecodePacked(row), PageFormat.DecodeWithoutContent(row) })
        {
            Assert.Equal(row.BytesOf("h")!.Value.ToArray(), stored.Digest!.Value.ToArray());
            Assert.Null(stored.Slice(0, 1000).Digest);
        }

        Assert.Null(page.Digest);
    }

    private static long Tick(int at) => Checkpoint.Beginning.Ticks + at;

    private static Checkpoint At(int at) => Checkpoint.FromTicks(Tick(at));

    private static string Text(ReadOnlyMemory<byte> utf8) => Encoding.UTF8.GetString(utf8.Span);
}
