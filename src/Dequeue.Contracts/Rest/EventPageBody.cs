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
            var reader = new Utf8JsonReader(utf8.Span);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject) return null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = JsonText.Of(ref reader);
                var field = name.Equals("events"u8) ? 1 : name.Equals("nextCheckpoint"u8) ? 2 : name.Equals("hasMore"u8) ? 3
                    : name.Equals("epoch"u8) ? 4 : name.Equals("position"u8) ? 5 : 0;
                reader.Read();
                if (field == 1) list = events.ReadArray(ref reader, utf8);
                else if (field == 2 && reader.TokenType == JsonTokenType.String && Checkpoint.TryParse(reader.ValueSpan, out var at)) next = at;
                else if (field == 3 && reader.TokenType is JsonTokenType.True or JsonTokenType.False) more = reader.GetBoolean();
                else if (field == 4 && reader.TokenType == JsonTokenType.String) epoch = JsonText.Of(ref reader).GetString();
                else if (field == 5 && reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var count)) position = count;
                else reader.Skip();
                if (field == 1 && list is null) return null;
            }

            while (reader.Read())
            {
            }
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
