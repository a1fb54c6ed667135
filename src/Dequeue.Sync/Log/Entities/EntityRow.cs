using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Log.Entities;

/// <summary>An index row: the events of one page that concern one entity.</summary>
internal static class EntityRow
{
    /// <summary>
    /// Per event two varints: the ticks since the event before it (for the first one those from it to the page's end), and the place
    /// of its task in <see cref="TasksColumn"/>, counted from 1, or 0 when it has none.
    /// </summary>
    public const string EventsColumn = "m";

    /// <summary>The keys of the tasks that the events name, 16 bytes each; left out when there are none.</summary>
    public const string TasksColumn = "k";

    /// <summary>Makes the row.</summary>
    /// <param name="key">The entity.</param>
    /// <param name="events">Its events in one page, at least one, in commit order.</param>
    public static TableRow Create(EntityKey key, IReadOnlyList<EntityEvent> events)
    {
        var (page, last) = (events[0].Page, events[0].Tick);
        var numbers = new VarintWriter(events.Count * 4);
        var tasks = new Dictionary<EntityKey, int>();
        foreach (var e in events)
        {
            numbers.Write(e.Tick == events[0].Tick ? page - e.Tick : e.Tick - last);
            numbers.Write(e.Task is not { } task ? 0 : tasks.TryGetValue(task, out var place) ? place : tasks[task] = tasks.Count + 1);
            last = e.Tick;
        }

        var row = new TableRow(LogRows.Entity(key, page)).Set(EventsColumn, numbers.ToArray());
        return tasks.Count == 0 ? row : row.Set(TasksColumn, Write(tasks.OrderBy(task => task.Value).Select(task => task.Key).ToList()));
    }

    /// <summary>Reads the row's events.</summary>
    /// <exception cref="LogCorruptException">The row is damaged.</exception>
    public static List<EntityEvent> Read(TableRow row)
    {
        if (LogRows.EntityPageTick(row.Key) is not { } page || row.BytesOf(EventsColumn) is not { Length: > 0 } events) throw Corrupt();
        var tasks = row.BytesOf(TasksColumn) ?? default;
        var numbers = new VarintReader(events.Span);
        var read = new List<EntityEvent>();
        while (!numbers.IsAtEnd)
        {
            if (!numbers.TryRead(out var step) || !numbers.TryRead(out var place) || place > tasks.Length / EntityKey.Size) throw Corrupt();
            var tick = read.Count == 0 ? page - step : read[^1].Tick + step;
            if (tick <= 0 || tick > page || read.Count > 0 && step == 0) throw Corrupt();
            read.Add(new EntityEvent(page, tick, place == 0 ? null : EntityKey.Read(tasks.Span[((int)(place - 1) * EntityKey.Size)..])));
        }

        return read;

        LogCorruptException Corrupt() => new($"The index row {row.Key} cannot be read.");
    }

    private static byte[] Write(List<EntityKey> tasks)
    {
        var bytes = new byte[tasks.Count * EntityKey.Size];
        for (var i = 0; i < tasks.Count; i++) tasks[i].Write(bytes.AsSpan(i * EntityKey.Size));
        return bytes;
    }
}
