using System.Text;
using Dequeue.Contracts;
using Dequeue.Sync.Log.Appending;
using Dequeue.Sync.Log.Checking;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Log.Rows;

/// <summary>A small page at the end of the log that may still be folded into a larger one.</summary>
/// <param name="Tick">The commit tick of its last event: its row key.</param>
/// <param name="Count">Its events.</param>
/// <param name="Bytes">The bytes of its events, joined by commas.</param>
internal readonly record struct TailPage(long Tick, int Count, int Bytes);

/// <summary>The head row: the log's end and its unsealed pages. Each transaction replaces it under its ETag.</summary>
/// <param name="Head">The log's end.</param>
/// <param name="Tail">The unsealed pages, oldest first; all pages before them are sealed.</param>
/// <param name="ETag">The row's version; null when the row does not exist yet.</param>
internal sealed record HeadRow(LogHead Head, IReadOnlyList<TailPage> Tail, string? ETag)
{
    private const string CountColumn = "n";
    private const string LastTickColumn = "t";
    private const string LastIdColumn = "id";
    private const string DeviceTimeColumn = "ts";
    private const string TailColumn = "tail";
    private const string HashColumn = "h";
    private const string BytesColumn = "z";
    private const string SealedColumn = "s";
    private const string IndexedColumn = "x";
    private const string ActiveStackColumn = "a";
    private const string EpochColumn = "u";
    public const string ErasingColumn = "erasing";

    /// <summary>The head of a log that nothing was pushed to.</summary>
    public static HeadRow None { get; } = new(LogHead.Empty, [], null) { Digest = RunningDigest.Empty };

    /// <summary>The head of a log whose other rows are going, or have not all come yet.</summary>
    public static TableRow Erasing => new TableRow(LogRows.Head).Set(ErasingColumn, 1);

    /// <summary>The log's digest; null where <see cref="LogHead.Digest"/> is.</summary>
    public RunningDigest? Digest { get; init; }

    /// <summary>The last page whose entities are indexed, as are those of all before it.</summary>
    public Checkpoint Indexed { get; init; } = Checkpoint.Beginning;

    /// <summary>True when the entities of all sealed pages are indexed.</summary>
    public bool IsIndexed => Indexed >= Head.SealedThrough;

    /// <summary>True when the epoch was made just now: the transaction writes its row too.</summary>
    public bool WritesEpoch { get; init; }

    /// <summary>True while the log is being erased: its other rows are going, and nothing may be appended.</summary>
    public bool IsErasing { get; init; }

    /// <summary>The change that makes this head the stored one, provided that <paramref name="replaced"/> still is.</summary>
    public RowOperation Commit(HeadRow replaced)
        => replaced.ETag is { } eTag ? new RowOperation.Replace(ToRow(), eTag) : new RowOperation.Insert(ToRow());

    /// <summary>Reads a head row.</summary>
    /// <exception cref="LogCorruptException">It is no head row.</exception>
    public static HeadRow From(TableRow? row)
    {
        if (row is null) return None;
        if (row.IntOf(ErasingColumn) is 1) return None with { ETag = row.ETag, IsErasing = true };
        if (row.LongOf(CountColumn) is not (>= 0 and var count) || row.LongOf(LastTickColumn) is not { } tick
            || tick < Checkpoint.Beginning.Ticks || tick > DateTime.MaxValue.Ticks || row.BytesOf(TailColumn) is not { } tail)
        {
            throw new LogCorruptException("The head row has missing or impossible values.");
        }

        var pages = ReadTail(tail.Span);
        var digest = row.BytesOf(HashColumn) is { } state ? RunningDigest.Read(state, count, row.LongOf(BytesColumn)) : null;
        var head = new LogHead(count, Checkpoint.FromTicks(tick), row.TextOf(LastIdColumn), row.LongOf(DeviceTimeColumn))
        {
            Digest = digest?.Hex,
            Bytes = digest?.Bytes,

            // Every page of a log without a tail is sealed, whoever wrote it.
            SealedThrough = pages.Count == 0 ? Checkpoint.FromTicks(tick) : Position(row, SealedColumn, tick),
            Epoch = EpochRow.Read(row.TextOf(EpochColumn)),
            ActiveStackId = row.BytesOf(ActiveStackColumn) is { } stack ? Encoding.UTF8.GetString(stack.Span) : null,
        };
        return new HeadRow(head, pages, row.ETag) { Digest = digest, Indexed = Position(row, IndexedColumn, tick) };
    }

    private static Checkpoint Position(TableRow row, string column, long last)
        => row.LongOf(column) is not { } tick ? Checkpoint.Beginning
            : tick >= Checkpoint.Beginning.Ticks && tick <= last ? Checkpoint.FromTicks(tick)
            : throw new LogCorruptException("The head row names an impossible position.");

    private TableRow ToRow()
    {
        if (IsErasing) return Erasing;
        var row = new TableRow(LogRows.Head)
            .Set(CountColumn, Head.Count).Set(LastTickColumn, Head.Last.Ticks).Set(TailColumn, WriteTail());
        if (Head.LastEventId is { } id) row.Set(LastIdColumn, id);
        if (Head.LastDeviceTimeMs is { } ms) row.Set(DeviceTimeColumn, ms);
        if (Digest is { } digest) row.Set(HashColumn, digest.State).Set(BytesColumn, digest.Bytes);
        if (Head.SealedThrough > Checkpoint.Beginning) row.Set(SealedColumn, Head.SealedThrough.Ticks);
        if (Indexed > Checkpoint.Beginning) row.Set(IndexedColumn, Indexed.Ticks);
        if (Head.Epoch is { } epoch) row.Set(EpochColumn, epoch);
        if (Head.ActiveStackId is { } stack) row.Set(ActiveStackColumn, Encoding.UTF8.GetBytes(stack));
        return row;
    }

    private byte[] WriteTail()
    {
        var numbers = new VarintWriter(Tail.Count * 12);
        long last = 0;
        foreach (var page in Tail)
        {
            numbers.Write(page.Tick - last);
            numbers.Write(page.Count);
            numbers.Write(page.Bytes);
            last = page.Tick;
        }

        return numbers.ToArray();
    }

    private static List<TailPage> ReadTail(ReadOnlySpan<byte> bytes)
    {
        var numbers = new VarintReader(bytes);
        var tail = new List<TailPage>();
        long last = 0;
        while (!numbers.IsAtEnd)
        {
            if (!numbers.TryRead(out var step) || !numbers.TryRead(out var count) || !numbers.TryRead(out var size)
                || step > DateTime.MaxValue.Ticks - last || count is < 1 or > Folding.MaxPageEvents || size is < 1 or > Folding.MaxPageBytes)
            {
                throw new LogCorruptException("The head row's list of tail pages cannot be read.");
            }

            last += step;
            tail.Add(new TailPage(last, (int)count, (int)size));
        }

        return tail;
    }
}
