using System.Text.Json;
using Dequeue.Contracts.Events;

namespace Dequeue.Contracts.Streaming;

/// <summary>
/// Reads the server's messages as strictly as the shipped app does: integers are integers, booleans are booleans, events are
/// objects. Unknown fields are ignored. Not thread-safe: one reader for one stream.
/// </summary>
public sealed class StreamMessageReader
{
    private readonly SyncEventReader _events = new();

    /// <summary>Reads one message. The events of a batch are slices of <paramref name="utf8"/>.</summary>
    /// <returns>The message, or null when it is malformed; <paramref name="problem"/> says how.</returns>
    public StreamMessage? Read(ReadOnlyMemory<byte> utf8, out string? problem)
    {
        problem = null;
        var fields = new Fields();
        try
        {
            var reader = new Utf8JsonReader(utf8.Span);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                problem = "A message is a JSON object.";
                return null;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName) ReadField(ref reader, utf8, ref fields);
            while (reader.Read())
            {
            }
        }
        catch (JsonException)
        {
            problem = "A message is not valid JSON.";
            return null;
        }

        var message = Message(fields);
        if (message is null) problem = $"A {fields.Type ?? "message without type"} lacks a field or has one of the wrong type.";
        return message;
    }

    private static StreamMessage? Message(in Fields fields)
        => fields.Type switch
        {
            null => null,
            StreamMessage.Start.Type => fields.TotalEvents is >= 0 and { } total
                ? new StreamMessage.Start(total, fields.Encoding, fields.PriorityEvents, fields.HistoryEvents, fields.Epoch)
                : null,
            StreamMessage.Batch.Type => fields is { Events: { } events, BatchIndex: >= 0 and <= int.MaxValue and { } index, IsLast: { } last }
                && !fields.IsMalformed
                    ? new StreamMessage.Batch(events, (int)index, last, fields.Checkpoint)
                    {
                        IsPriority = fields.Priority is true,
                        Deltas = fields.Deltas ?? [],
                        ForgetsStates = fields.Reset is true,
                        References = fields.References ?? [],
                    }
                    : null,
            StreamMessage.Ready.Type => fields.ProcessedEvents is >= 0 and { } sent ? new StreamMessage.Ready(sent) : null,
            StreamMessage.Complete.Type => fields is { ProcessedEvents: >= 0 and { } processed, NewCheckpoint: { } checkpoint }
                ? new StreamMessage.Complete(processed, checkpoint, fields.Digest, fields.Position, fields.Epoch)
                : null,
            StreamMessage.Live.Type => fields is { Before: >= 0 and { } before, Checkpoint: { } after, Events: { Count: > 0 } events }
                ? new StreamMessage.Live(before, after, events, fields.Epoch)
                : null,
            StreamMessage.Error.Type => fields is { Error: { } text, Code: { } code }
                ? new StreamMessage.Error(text, code, fields.Checkpoint, fields.Window is > 0 and <= StreamRequest.MaxWindow and { } window ? (int)window : null)
                {
                    Epoch = fields.Epoch,
                    EventCount = fields.EventCount,
                }
                : null,
            _ => new StreamMessage.Unknown(fields.Type),
        };

    private void ReadField(ref Utf8JsonReader reader, ReadOnlyMemory<byte> utf8, ref Fields fields)
    {
        var name = JsonText.Of(ref reader);
        if (name.Equals("type"u8)) fields.Type = Text(ref reader);
        else if (name.Equals("events"u8)) fields.Events = Events(ref reader, utf8);
        else if (name.Equals("batchIndex"u8)) fields.BatchIndex = Integer(ref reader);
        else if (name.Equals("isLast"u8)) fields.IsLast = Boolean(ref reader);
        else if (name.Equals("checkpoint"u8)) fields.Checkpoint = Position(ref reader);
        else if (name.Equals("totalEvents"u8)) fields.TotalEvents = Integer(ref reader);
        else if (name.Equals("processedEvents"u8)) fields.ProcessedEvents = Integer(ref reader);
        else if (name.Equals("newCheckpoint"u8)) fields.NewCheckpoint = Position(ref reader);
        else if (name.Equals("priorityEvents"u8)) fields.PriorityEvents = Integer(ref reader);
        else if (name.Equals("historyEvents"u8)) fields.HistoryEvents = Integer(ref reader);
        else if (name.Equals("before"u8)) fields.Before = Integer(ref reader);
        else if (name.Equals("position"u8)) fields.Position = Integer(ref reader);
        else if (name.Equals("priority"u8)) fields.Priority = Boolean(ref reader);
        else if (name.Equals("reset"u8)) fields.Reset = Boolean(ref reader);
        else if (name.Equals("deltas"u8)) fields.IsMalformed |= (fields.Deltas = Places(ref reader)) is null;
        else if (name.Equals("references"u8)) fields.IsMalformed |= (fields.References = PageReferences(ref reader)) is null;
        else if (name.Equals("encoding"u8)) fields.Encoding = Text(ref reader);
        else if (name.Equals("window"u8)) fields.Window = Integer(ref reader);
        else if (name.Equals("digest"u8)) fields.Digest = Text(ref reader);
        else if (name.Equals("epoch"u8)) fields.Epoch = Text(ref reader);
        else if (name.Equals("eventCount"u8)) fields.EventCount = Integer(ref reader);
        else if (name.Equals("error"u8)) fields.Error = Text(ref reader);
        else if (name.Equals("code"u8)) fields.Code = Text(ref reader);
        else
        {
            reader.Read();
            reader.Skip();
        }
    }

    private List<SyncEvent>? Events(ref Utf8JsonReader reader, ReadOnlyMemory<byte> utf8)
    {
        reader.Read();
        var events = _events.ReadArray(ref reader, utf8);
        if (events is null) reader.Skip();
        return events;
    }

    private static List<int>? Places(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray) return Skipped<int>(ref reader);
        var places = new List<int>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out var place) || place <= (places.Count > 0 ? places[^1] : -1)) return Abandoned<int>(ref reader);
            places.Add(place);
        }

        return places;
    }

    private static List<PageReference>? PageReferences(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray) return Skipped<PageReference>(ref reader);
        var references = new List<PageReference>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject) return Abandoned<PageReference>(ref reader);
            string? url = null, digest = null;
            Checkpoint? checkpoint = null;
            long? count = null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = JsonText.Of(ref reader);
                if (name.Equals("url"u8)) url = Text(ref reader);
                else if (name.Equals("digest"u8)) digest = Text(ref reader);
                else if (name.Equals("checkpoint"u8)) checkpoint = Position(ref reader);
                else if (name.Equals("count"u8)) count = Integer(ref reader);
                else
                {
                    reader.Read();
                    reader.Skip();
                }
            }

            if (url is null || digest is null || checkpoint is not { } after || count is not (>= 1 and <= StreamRequest.MaxBatchSize and var events)) return Abandoned<PageReference>(ref reader);
            references.Add(new PageReference(url, after, (int)events, digest));
        }

        return references;
    }

    private static List<T>? Skipped<T>(ref Utf8JsonReader reader)
    {
        reader.Skip();
        return null;
    }

    // Leaves the reader on the end of the array that it is somewhere in.
    private static List<T>? Abandoned<T>(ref Utf8JsonReader reader)
    {
        reader.Skip();
        for (var depth = reader.CurrentDepth; reader.Read() && !(reader.TokenType == JsonTokenType.EndArray && reader.CurrentDepth < depth);) reader.Skip();
        return null;
    }

    private static string? Text(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String) return JsonText.Of(ref reader).GetString();
        reader.Skip();
        return null;
    }

    // As the app's decoder: 1.0 and "1" are no integers.
    private static long? Integer(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var value) && !reader.ValueSpan.ContainsAny(".eE"u8)) return value;
        reader.Skip();
        return null;
    }

    private static bool? Boolean(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType is JsonTokenType.True or JsonTokenType.False) return reader.GetBoolean();
        reader.Skip();
        return null;
    }

    private static Checkpoint? Position(ref Utf8JsonReader reader)
        => Text(ref reader) is { } text && Contracts.Checkpoint.TryParse(text, out var checkpoint) ? checkpoint : null;

    private struct Fields
    {
        public string? Type, Encoding, Digest, Error, Code, Epoch;
        public List<SyncEvent>? Events;
        public List<int>? Deltas;
        public List<PageReference>? References;
        public long? BatchIndex, TotalEvents, ProcessedEvents, PriorityEvents, HistoryEvents, Position, Window, Before, EventCount;
        public bool? IsLast, Priority, Reset;
        public bool IsMalformed;
        public Checkpoint? Checkpoint, NewCheckpoint;
    }
}
