using System.IO.Hashing;
using Dequeue.Contracts;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Log.Compaction;

/// <summary>The row that lists the runs of a log. Every transaction that writes rows of runs replaces it under its ETag.</summary>
/// <param name="Current">The runs, oldest first.</param>
/// <param name="Previous">The runs before the last merge, oldest first: still stored, for who reads them.</param>
/// <param name="NextId">The id of the next run.</param>
/// <param name="ETag">The row's version; null when there is none.</param>
internal sealed record RunList(IReadOnlyList<Run> Current, IReadOnlyList<Run> Previous, long NextId, string? ETag)
{
    private const string CurrentColumn = "r";
    private const string PreviousColumn = "o";
    private const string NextColumn = "n";
    private const string WritingColumn = "w";
    private const string CrcColumn = "c";

    /// <summary>The list of a log without runs.</summary>
    public static RunList None { get; } = new([], [], 1, null);

    /// <summary>The run whose rows are being written; 0 when none is. Where nobody is at it they are remains, to be removed.</summary>
    public long Writing { get; init; }

    /// <summary>The position up to which events are in runs.</summary>
    public Checkpoint Through => Current.Count > 0 ? Current[^1].Through : Checkpoint.Beginning;

    /// <summary>The newest runs that end at or before a position; of none, nothing.</summary>
    public IReadOnlyList<Run> Within(Checkpoint end)
        => Current.Count == 0 ? []
            : Through <= end ? Current
            : Previous.Count > 0 && Previous[^1].Through <= end ? Previous
            : [];

    /// <summary>The change that makes this list the stored one, provided that <paramref name="replaced"/> still is.</summary>
    public RowOperation Commit(RunList replaced)
        => replaced.ETag is { } eTag ? new RowOperation.Replace(ToRow(), eTag) : new RowOperation.Insert(ToRow());

    /// <summary>Reads a list.</summary>
    /// <exception cref="LogCorruptException">It is damaged.</exception>
    public static RunList From(TableRow? row)
    {
        if (row is null) return None;
        if (row.BytesOf(CurrentColumn) is not { } current || row.BytesOf(PreviousColumn) is not { } previous
            || row.LongOf(NextColumn) is not (> 0 and var next) || row.IntOf(CrcColumn) != Crc(current.Span, previous.Span))
        {
            throw new LogCorruptException("The list of runs is damaged.");
        }

        return new RunList(Read(current.Span), Read(previous.Span), next, row.ETag) { Writing = row.LongOf(WritingColumn) ?? 0 };
    }

    private TableRow ToRow()
    {
        var (current, previous) = (Write(Current), Write(Previous));
        var row = new TableRow(LogRows.Runs)
            .Set(CurrentColumn, current).Set(PreviousColumn, previous).Set(NextColumn, NextId).Set(CrcColumn, Crc(current, previous));
        return Writing == 0 ? row : row.Set(WritingColumn, Writing);
    }

    private static byte[] Write(IReadOnlyList<Run> runs)
    {
        var numbers = new VarintWriter(runs.Count * 16);
        foreach (var run in runs)
        {
            numbers.Write(run.Id);
            numbers.Write(run.Through.Ticks - run.After.Ticks);
            numbers.Write(run.Events);
        }

        return numbers.ToArray();
    }

    private static List<Run> Read(ReadOnlySpan<byte> bytes)
    {
        var numbers = new VarintReader(bytes);
        var (runs, after) = (new List<Run>(), Checkpoint.Beginning);
        while (!numbers.IsAtEnd)
        {
            if (!numbers.TryRead(out var id) || !numbers.TryRead(out var step) || !numbers.TryRead(out var events)
                || step > DateTime.MaxValue.Ticks - after.Ticks)
            {
                throw new LogCorruptException("The list of runs cannot be read.");
            }

            var through = Checkpoint.FromTicks(after.Ticks + step);
            runs.Add(new Run(id, after, through, events));
            after = through;
        }

        return runs;
    }

    private static int Crc(ReadOnlySpan<byte> current, ReadOnlySpan<byte> previous)
    {
        var crc = new Crc32();
        crc.Append(current);
        crc.Append(previous);
        return unchecked((int)crc.GetCurrentHashAsUInt32());
    }
}
