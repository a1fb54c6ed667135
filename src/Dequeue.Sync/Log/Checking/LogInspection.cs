using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Sync.Log.Reading;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Log.Checking;

/// <summary>What an operator may see of a log: its shape, and nothing that its user wrote.</summary>
/// <param name="Head">Where it ends.</param>
/// <param name="Pages">Page rows that hold its events.</param>
/// <param name="SealedPages">How many of them are full, and are never folded again.</param>
/// <param name="LastEvents">The last events without their payloads, oldest first.</param>
/// <param name="IsErasing">True while the log is being erased: it is empty to everybody.</param>
public sealed record LogInspection(LogHead Head, int Pages, int SealedPages, IReadOnlyList<SeenEvent> LastEvents, bool IsErasing)
{
    /// <summary>Reads it: the positions of all pages, and the content of those that hold the last events.</summary>
    internal static async Task<LogInspection> ReadAsync(IPartitionedTable table, string log, int lastEvents, CancellationToken cancellationToken)
    {
        var row = HeadRow.From(await table.GetAsync(log, LogRows.Head, null, cancellationToken));
        var head = row.Head;
        var (pages, sealedPages, from) = (0, 0, Checkpoint.Beginning);
        await foreach (var page in new PageReader(table, log, PageContent.None).ReadAsync(Checkpoint.Beginning, head.Last, int.MaxValue, cancellationToken))
        {
            pages++;
            if (page.Last <= head.SealedThrough) sealedPages++;
            if (page.Before + page.Count <= head.Count - lastEvents) from = page.Last;
        }

        var last = new Queue<SeenEvent>();
        await foreach (var page in new PageReader(table, log).ReadAsync(from, head.Last, int.MaxValue, cancellationToken))
        {
            for (var i = 0; i < page.Count; i++)
            {
                last.Enqueue(SeenEvent.Of(page.CheckpointAt(i), page.EventAt(i).Span));
                if (last.Count > lastEvents) last.Dequeue();
            }
        }

        return new LogInspection(head, pages, sealedPages, [.. last], row.IsErasing);
    }
}

/// <summary>An event without its payload.</summary>
/// <param name="Committed">Its commit position.</param>
/// <param name="Id">Its id.</param>
/// <param name="Type">Its type.</param>
/// <param name="DeviceTime">Its <c>ts</c>, the device's clock.</param>
/// <param name="Device">The device that made it; null when it names none.</param>
/// <param name="Bytes">Bytes of its JSON.</param>
public sealed record SeenEvent(Checkpoint Committed, string? Id, string? Type, string? DeviceTime, string? Device, int Bytes)
{
    internal static SeenEvent Of(Checkpoint committed, ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            reader.Read();
            var fields = EventFields.Read(ref reader, json);
            return new SeenEvent(committed, fields.Id, fields.Type.GetString(), fields.Timestamp.GetString(), fields.DeviceId.GetString(), json.Length);
        }
        catch (JsonException)
        {
            // Damaged: `check` says so; what can be seen of it is where it is.
            return new SeenEvent(committed, null, null, null, null, json.Length);
        }
    }
}
