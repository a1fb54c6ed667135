using Dequeue.Contracts;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Log.Rows;

/// <summary>One small row per event, so that an id is stored once: inserting it again fails. It holds the event's commit tick.</summary>
internal static class IdRow
{
    /// <summary>The commit tick (64 bits).</summary>
    public const string TickColumn = "t";

    /// <summary>The row of an event.</summary>
    public static TableRow Create(EventId id, Checkpoint committed) => new TableRow(LogRows.Id(id)).Set(TickColumn, committed.Ticks);

    /// <summary>The commit tick in an id row.</summary>
    /// <exception cref="LogCorruptException">There is none.</exception>
    public static long Tick(TableRow row) => row.LongOf(TickColumn) ?? throw new LogCorruptException("An id row has no commit tick.");
}
