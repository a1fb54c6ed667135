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
            if (!JsonObjectReader.TryBegin(utf8.Span, out var json))
            {
                problem = "A message is a JSON object.";
                return null;
            }

            while (json.Next()) ReadField(ref json, utf8, ref fields);
            json.End();
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

    private void ReadField(ref JsonObjectReader json, ReadOnlyMemory<byte> utf8, ref Fields fields)
    {
        if (json.Is("type"u8)) fields.Type = json.Text();
        else if (json.Is("events"u8)) fields.Events = Events(ref json, utf8);
        else if (json.Is("batchIndex"u8)) fields.BatchIndex = json.WholeNumber();
        else if (json.Is("isLast"u8)) fields.IsLast = json.Boolean();
        else if (json.Is("checkpoint"u8)) fields.Checkpoint = json.Position();
        else if (json.Is("totalEvents"u8)) fields.TotalEvents = json.WholeNumber();
        else if (json.Is("processedEvents"u8)) fields.ProcessedEvents = json.WholeNumber();
        else if (json.Is("newCheckpoint"u8)) fields.NewCheckpoint = json.Position();
        else if (json.Is("priorityEvents"u8)) fields.PriorityEvents = json.WholeNumber();
        else if (json.Is("historyEvents"u8)) fields.HistoryEvents = json.WholeNumber();
        else if (json.Is("before"u8)) fields.Before = json.WholeNumber();
        else if (json.Is("position"u8)) fields.Position = json.WholeNumber();
        else if (json.Is("priority"u8)) fields.Priority = json.Boolean();
        else if (json.Is("reset"u8)) fields.Reset = json.Boolean();
        else if (json.Is("deltas"u8)) fields.IsMalformed |= (fields.Deltas = Places(ref json)) is null;
        else if (json.Is("references"u8)) fields.IsMalformed |= (fields.References = PageReferences(ref json)) is null;
        else if (json.Is("encoding"u8)) fields.Encoding = json.Text();
        else if (json.Is("window"u8)) fields.Window = json.WholeNumber();
        else if (json.Is("digest"u8)) fields.Digest = json.Text();
        else if (json.Is("epoch"u8)) fields.Epoch = json.Text();
        else if (json.Is("eventCount"u8)) fields.EventCount = json.WholeNumber();
        else if (json.Is("error"u8)) fields.Error = json.Text();
        else if (json.Is("code"u8)) fields.Code = json.Text();
    }

    private List<SyncEvent>? Events(ref JsonObjectReader json, ReadOnlyMemory<byte> utf8)
    {
        var depth = json.Depth;
        var events = _events.ReadArray(ref json.Json, utf8);
        if (events is null) json.Leave(depth);
        return events;
    }

    private static List<int>? Places(ref JsonObjectReader json)
    {
        var depth = json.Depth;
        if (!json.EnterArray()) return null;
        var places = new List<int>();
        while (json.NextItem())
        {
            if (json.WholeNumber() is not (<= int.MaxValue and { } place) || place <= (places.Count > 0 ? places[^1] : -1))
            {
                json.Leave(depth);
                return null;
            }

            places.Add((int)place);
        }

        return places;
    }

    private static List<PageReference>? PageReferences(ref JsonObjectReader json)
    {
        var depth = json.Depth;
        if (!json.EnterArray()) return null;
        var references = new List<PageReference>();
        while (json.NextItem())
        {
            if (PageReferenceOf(ref json) is not { } reference)
            {
                json.Leave(depth);
                return null;
            }

            references.Add(reference);
        }

        return references;
    }

    private static PageReference? PageReferenceOf(ref JsonObjectReader json)
    {
        if (!json.EnterObject()) return null;
        string? url = null, digest = null;
        Checkpoint? checkpoint = null;
        long? count = null;
        while (json.Next())
        {
            if (json.Is("url"u8)) url = json.Text();
            else if (json.Is("digest"u8)) digest = json.Text();
            else if (json.Is("checkpoint"u8)) checkpoint = json.Position();
            else if (json.Is("count"u8)) count = json.WholeNumber();
        }

        return url is not null && digest is not null && checkpoint is { } after && count is >= 1 and <= StreamRequest.MaxBatchSize and { } events
            ? new PageReference(url, after, (int)events, digest)
            : null;
    }

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
