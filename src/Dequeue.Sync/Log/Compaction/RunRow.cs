using System.IO.Hashing;
using Dequeue.Contracts;
using Dequeue.Sync.Log.Entities;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Log.Compaction;

/// <summary>
/// A row of a run: events as a page has them (<see cref="PageFormat"/>), and the mark of each, so that a plan needs no content. The
/// events before it in its run take the place of those before it in the log.
/// </summary>
internal static class RunRow
{
    /// <summary>The commit tick of the last event in the row before; of the first row, the tick before the run (64 bits).</summary>
    private const string AfterColumn = "a";

    /// <summary>Per event its kind, and when it has an entity the ticks from the device time of the one before to its own, in zigzag: two
    /// varints or one.</summary>
    private const string MarksColumn = "v";

    /// <summary>The keys of the entities of those that have one, 16 bytes each.</summary>
    private const string KeysColumn = "k";

    /// <summary>The CRC-32 of all that is no content.</summary>
    private const string CrcColumn = "q";

    /// <summary>The columns without content.</summary>
    public static IReadOnlyList<string> MarkColumns { get; } =
        [.. PageFormat.PositionColumns, AfterColumn, MarksColumn, KeysColumn, CrcColumn];

    /// <summary>Makes a row.</summary>
    /// <param name="run">The run's id.</param>
    /// <param name="after">The tick of the last event in the row before.</param>
    /// <param name="page">The events.</param>
    /// <param name="marks">Their marks.</param>
    public static TableRow Encode(long run, long after, EventPage page, IReadOnlyList<EventMark> marks)
    {
        var numbers = new VarintWriter(marks.Count * 6);
        var keys = new byte[marks.Count(static mark => mark.Kind != MarkKind.None) * EntityKey.Size];
        var (at, last) = (0, 0L);
        foreach (var mark in marks)
        {
            numbers.Write((long)mark.Kind);
            if (mark.Kind == MarkKind.None) continue;
            var step = mark.Timestamp - last;
            numbers.Write((step << 1) ^ (step >> 63));
            mark.Entity.Write(keys.AsSpan(at));
            (at, last) = (at + EntityKey.Size, mark.Timestamp);
        }

        var row = PageFormat.Encode(page, LogRows.Run(run, page.Last.Ticks))
            .Set(AfterColumn, after).Set(MarksColumn, numbers.ToArray()).Set(KeysColumn, keys);
        return row.Set(CrcColumn, Crc(row));
    }

    /// <summary>Reads the marks, after the checksum was found right.</summary>
    /// <exception cref="LogCorruptException">The row is damaged.</exception>
    public static EventMark[] Marks(TableRow row, int count)
    {
        var numbers = new VarintReader(row.BytesOf(MarksColumn).GetValueOrDefault().Span);
        var keys = row.BytesOf(KeysColumn).GetValueOrDefault().Span;
        var marks = new EventMark[count];
        var last = 0L;
        for (var i = 0; i < count; i++)
        {
            if (!numbers.TryRead(out var kind) || kind > (long)MarkKind.State) throw Corrupt(row);
            if (kind == 0) continue;
            if (!numbers.TryRead(out var zigzag) || keys.Length < EntityKey.Size) throw Corrupt(row);
            last += (zigzag >> 1) ^ -(zigzag & 1);
            marks[i] = new EventMark((MarkKind)kind, EntityKey.Read(keys), last);
            keys = keys[EntityKey.Size..];
        }

        return numbers.IsAtEnd && keys.IsEmpty ? marks : throw Corrupt(row);
    }

    /// <summary>The tick of the last event in the row before, from a row whose checksum is right.</summary>
    /// <exception cref="LogCorruptException">The row is damaged.</exception>
    public static long After(TableRow row)
        => row.IntOf(CrcColumn) == Crc(row) && row.LongOf(AfterColumn) is { } after ? after : throw Corrupt(row);

    private static int Crc(TableRow row)
    {
        var crc = new Crc32();
        crc.Append(BitConverter.GetBytes(row.LongOf(AfterColumn) ?? 0));
        crc.Append(BitConverter.GetBytes(row.LongOf(PageFormat.FirstTickColumn) ?? 0));
        ReadOnlySpan<string> columns = [PageFormat.EventsColumn, MarksColumn, KeysColumn];
        foreach (var column in columns) crc.Append(row.BytesOf(column).GetValueOrDefault().Span);
        return unchecked((int)crc.GetCurrentHashAsUInt32());
    }

    private static LogCorruptException Corrupt(TableRow row) => new($"The row {row.Key} of a run is damaged.");
}
