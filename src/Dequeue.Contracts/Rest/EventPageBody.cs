using System.Globalization;
using System.Text.Json;
using Dequeue.Contracts.Events;

namespace Dequeue.Contracts.Rest;

/// <summary>A page of events, as <c>pull</c> answers: <c>{"events":[…],"nextCheckpoint":"…","hasMore":true}</c>.</summary>
/// <param name="Events">The events, in commit order.</param>
/// <param name="NextCheckpoint">The position after the page.</param>
/// <param name="HasMore">Whether there was more when the page was read.</param>
public sealed record EventPageBody(IReadOnlyList<SyncEvent> Events, Checkpoint NextCheckpoint, bool HasMore)
{
    /// <summary>What stands before the first event.</summary>
    public static ReadOnlySpan<byte> Prefix => "{\"events\":["u8;

    /// <summary>The log's epoch; null when it has none.</summary>
    public string? Epoch { get; init; }

    /// <summary>Events of the log up to <see cref="NextCheckpoint"/>, for who said its epoch or position; else null.</summary>
    public long? Position { get; init; }

    /// <summary>What follows the last event.</summary>
    public static byte[] Suffix(Checkpoint nextCheckpoint, bool hasMore, string? epoch = null, long? position = null)
    {
        var told = (epoch is null ? "" : $",\"epoch\":\"{epoch}\"")
            + (position is null ? "" : string.Create(CultureInfo.InvariantCulture, $",\"position\":{position}"));
        return System.Text.Encoding.ASCII.GetBytes($"],\"nextCheckpoint\":\"{nextCheckpoint}\",\"hasMore\":{(hasMore ? "true" : "false")}{told}}}");
    }

    /// <summary>Reads a page. Unknown fields are ignored; the events are slices of <paramref name="utf8"/>.</summary>
    /// <returns>The page, or null when it is malformed.</returns>
    public static EventPageBody? Read(ReadOnlyMemory<byte> utf8, SyncEventReader events)
    {
        ArgumentNullException.ThrowIfNull(events);
        List<SyncEvent>? list = null;
        Checkpoint? next = null;
        bool? more = null;
        string? epoch = null;
        long? position = null;
        try
        {
            if (!JsonObjectReader.TryBegin(utf8.Span, out var json)) return null;
            while (json.Next())
            {
                if (json.Is("events"u8))
                {
                    list = events.ReadArray(ref json.Json, utf8);
                    if (list is null) return null;
                }
                else if (json.Is("nextCheckpoint"u8)) next = json.Position() ?? next;
                else if (json.Is("hasMore"u8)) more = json.Boolean() ?? more;
                else if (json.Is("epoch"u8)) epoch = json.Text() ?? epoch;
                else if (json.Is("position"u8)) position = json.WholeNumber() ?? position;
            }

            json.End();
        }
        catch (JsonException)
        {
            return null;
        }

        return list is not null && next is { } checkpoint && more is { } hasMore
            ? new EventPageBody(list, checkpoint, hasMore) { Epoch = epoch, Position = position }
            : null;
    }
}
