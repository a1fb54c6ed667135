using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Log.Compaction;

/// <summary>Packs the events of a run into rows as full as a page may be.</summary>
/// <param name="run">The run.</param>
internal sealed class RunWriter(Run run)
{
    private readonly List<EventMark> _marks = [];
    private readonly List<TableRow> _rows = [];
    private PageBuilder? _page;
    private long _after = run.After.Ticks;
    private long _written;

    /// <summary>Bytes of the rows that wait to be stored.</summary>
    public int Bytes { get; private set; }

    /// <summary>Adds the next event.</summary>
    public void Add(EventPage page, int i, in EventMark mark)
    {
        if (_page?.Fits(page.EventAt(i).Length) is false) EndRow();
        (_page ??= new PageBuilder(_written)).Add(page, i);
        _marks.Add(mark);
    }

    /// <summary>Takes the rows that are full.</summary>
    public List<TableRow> Take()
    {
        List<TableRow> rows = [.. _rows];
        _rows.Clear();
        Bytes = 0;
        return rows;
    }

    /// <summary>Ends the last row.</summary>
    /// <returns>The run.</returns>
    /// <exception cref="LogCorruptException">Not all its events were added: they are not stored.</exception>
    public Run Finish()
    {
        if (_page is not null) EndRow();
        return _written == run.Events && _after == run.Through.Ticks
            ? run
            : throw new LogCorruptException($"Of the {run.Events} events of a run {_written} are stored.");
    }

    private void EndRow()
    {
        var page = _page!.Build();
        var row = RunRow.Encode(run.Id, _after, page, _marks);
        _rows.Add(row);
        Bytes += TableLimits.SizeOf(row);
        (_page, _after, _written) = (null, page.Last.Ticks, _written + page.Count);
        _marks.Clear();
    }
}
