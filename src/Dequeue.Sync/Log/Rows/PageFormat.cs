using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Sync.Log.Appending;
using Dequeue.Sync.Log.Checking;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Log.Rows;

/// <summary>
/// A page as a row. The events, joined by commas, are one raw DEFLATE segment that begins with an empty window and ends on a
/// byte boundary without a final block, split over binary properties; beside it stand its CRC-32 and length, and each event's
/// length and commit tick, so that a page is cut into events without parsing JSON. Such segments can be concatenated, so that
/// a gzip body can be spliced from stored bytes (docs/decisions/0001-pages-as-deflate-segments.md).
/// </summary>
internal static class PageFormat
{
    /// <summary>Events of the log before the page's first (64 bits).</summary>
    public const string BeforeColumn = "b";

    /// <summary>The commit tick of the page's first event (64 bits).</summary>
    public const string FirstTickColumn = "f";

    /// <summary>Per event two varints: its bytes, and the ticks since the event before it (0 for the first).</summary>
    public const string EventsColumn = "m";

    private const string CountColumn = "n";
    private const string BytesColumn = "z";
    private const string CrcColumn = "c";
    private const string DigestColumn = "h";
    private const string ChunkColumn = "d";

    /// <summary>Bytes of one binary property: Azure's 64 KiB with a margin.</summary>
    private const int ChunkBytes = 60 * 1024;

    /// <summary>The columns that place a page's events in the log, without their content, and its digest.</summary>
    public static IReadOnlyList<string> PositionColumns { get; } = [CountColumn, BeforeColumn, FirstTickColumn, EventsColumn, BytesColumn, DigestColumn];

    /// <summary>Makes the row of a page.</summary>
    public static TableRow Encode(EventPage page) => Encode(page, LogRows.Page(page.Last.Ticks), Digest(page));

    /// <summary>Makes a row of other events in the same format.</summary>
    /// <param name="page">The events.</param>
    /// <param name="key">The row's key, which ends in the tick of the last one.</param>
    /// <param name="digest">Their digest, or null to store none.</param>
    public static TableRow Encode(EventPage page, string key, byte[]? digest = null)
    {
        var packed = page.Pack();
        var row = new TableRow(key)
            .Set(CountColumn, page.Count)
            .Set(BeforeColumn, page.Before)
            .Set(FirstTickColumn, page.First.Ticks)
            .Set(EventsColumn, EncodeEvents(page))
            .Set(BytesColumn, packed.Length)
            .Set(CrcColumn, unchecked((int)packed.Crc32));
        if (digest is not null) row.Set(DigestColumn, digest);
        var segment = packed.Segment;
        for (var (at, chunk) = (0, 0); at < segment.Length; at += ChunkBytes, chunk++)
        {
            row.Set(ChunkName(chunk), segment.Slice(at, Math.Min(ChunkBytes, segment.Length - at)));
        }

        return row;
    }

    /// <summary>Reads a page.</summary>
    /// <exception cref="LogCorruptException">The row is damaged.</exception>
    public static EventPage Decode(TableRow row)
    {
        try
        {
            return DecodePacked(row).Unpack();
        }
        catch (InvalidDataException e)
        {
            throw Corrupt(row, e.Message, e);
        }
    }

    /// <summary>Reads a page without unpacking its content. Who unpacks it later finds damage then.</summary>
    /// <exception cref="LogCorruptException">The row is damaged.</exception>
    public static EventPage DecodePacked(TableRow row)
    {
        var (before, ends, ticks) = DecodePositions(row);
        if (row.IntOf(CrcColumn) is not { } crc) throw Corrupt(row, "it has no checksum");
        return new EventPage(before, new PackedEvents(Segment(row), unchecked((uint)crc), ends[^1]), ends, ticks) { Digest = row.BytesOf(DigestColumn) };
    }

    /// <summary>Reads where a page's events lie, from a row that need not have its content.</summary>
    /// <exception cref="LogCorruptException">The row is damaged.</exception>
    public static EventPage DecodeWithoutContent(TableRow row)
    {
        var (before, ends, ticks) = DecodePositions(row);
        return new EventPage(before, ReadOnlyMemory<byte>.Empty, ends, ticks) { Digest = row.BytesOf(DigestColumn) };
    }

    /// <summary>True when the stored digest is that of the page's events.</summary>
    public static bool HasRightDigest(TableRow row, EventPage page)
        => row.BytesOf(DigestColumn) is { } stored && stored.Span.SequenceEqual(Digest(page));

    private static byte[] EncodeEvents(EventPage page)
    {
        var numbers = new VarintWriter(page.Count * 4);
        var last = page.First.Ticks;
        for (var i = 0; i < page.Count; i++)
        {
            var tick = page.CheckpointAt(i).Ticks;
            numbers.Write(page.EventAt(i).Length);
            numbers.Write(tick - last);
            last = tick;
        }

        return numbers.ToArray();
    }

    private static (long Before, int[] Ends, long[] Ticks) DecodePositions(TableRow row)
    {
        if (row.IntOf(CountColumn) is not (> 0 and <= Folding.MaxPageEvents and var count) || row.LongOf(BeforeColumn) is not (>= 0 and var before)
            || row.LongOf(FirstTickColumn) is not { } tick || tick <= Checkpoint.Beginning.Ticks || (LogRows.PageTick(row.Key) ?? LogRows.RunTick(row.Key)) is not { } last
            || last > DateTime.MaxValue.Ticks
            || row.IntOf(BytesColumn) is not (> 0 and <= Folding.MaxPageBytes and var bytes) || row.BytesOf(EventsColumn) is not { } events)
        {
            throw Corrupt(row, "it has missing or impossible values");
        }

        var numbers = new VarintReader(events.Span);
        var ends = new int[count];
        var ticks = new long[count];
        long end = -1;
        for (var i = 0; i < count; i++)
        {
            if (!numbers.TryRead(out var length) || !numbers.TryRead(out var step) || length is < 1 or > Folding.MaxPageBytes
                || step > last - tick || (step == 0) != (i == 0))
            {
                throw Corrupt(row, "its list of events cannot be read");
            }

            ends[i] = (int)(end += 1 + length);
            ticks[i] = tick += step;
        }

        if (!numbers.IsAtEnd || end != bytes || tick != last) throw Corrupt(row, "its list of events does not fit its content");
        return (before, ends, ticks);
    }

    private static byte[] Segment(TableRow row)
    {
        using var segment = new MemoryStream(ChunkBytes);
        for (var chunk = 0; row.BytesOf(ChunkName(chunk)) is { } bytes; chunk++) segment.Write(bytes.Span);
        return segment.ToArray();
    }

    private static byte[] Digest(EventPage page)
    {
        using var digest = new EventDigest();
        digest.Append(page);
        return digest.ToBytes();
    }

    private static string ChunkName(int chunk) => $"{ChunkColumn}{chunk:D2}";

    private static LogCorruptException Corrupt(TableRow row, string why, Exception? inner = null)
        => new($"The page {row.Key} is damaged: {why}.", inner);
}
