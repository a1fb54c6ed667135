using System.Text.Json;

namespace Dequeue.Contracts.Events;

/// <summary>Reads arrays of events out of messages. Not thread-safe: one reader for one stream.</summary>
public sealed class SyncEventReader
{
    private string? _device;
    private byte[] _deviceUtf8 = [];

    /// <summary>
    /// Reads the array that <paramref name="reader"/> stands on and leaves the reader on its end.
    /// </summary>
    /// <returns>The events, or null when an element is no object.</returns>
    /// <exception cref="JsonException">The JSON is not well-formed.</exception>
    public List<SyncEvent>? ReadArray(ref Utf8JsonReader reader, ReadOnlyMemory<byte> source)
    {
        if (reader.TokenType != JsonTokenType.StartArray) return null;
        var events = new List<SyncEvent>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject) return null;
            events.Add(ReadObject(ref reader, source));
        }

        return events;
    }

    /// <summary>Reads an event that stands alone.</summary>
    /// <param name="json">A JSON object.</param>
    /// <exception cref="JsonException">It is none.</exception>
    public SyncEvent Read(ReadOnlyMemory<byte> json)
    {
        var reader = new Utf8JsonReader(json.Span);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject) throw new JsonException("An event is a JSON object.");
        return ReadObject(ref reader, json);
    }

    /// <summary>Reads the event object that <paramref name="reader"/> stands on and leaves the reader on its end.</summary>
    /// <exception cref="JsonException">The JSON is not well-formed.</exception>
    public SyncEvent ReadObject(ref Utf8JsonReader reader, ReadOnlyMemory<byte> source)
    {
        var start = (int)reader.TokenStartIndex;
        var fields = EventFields.Read(ref reader, source.Span);
        return new SyncEvent(
            source.Slice(start, fields.Json.Length),
            fields.Id,
            Device(fields.DeviceId),
            fields.PayloadVersion,
            fields.Type.IsPresent && fields.Timestamp.IsPresent && fields.PayloadKind == JsonTokenType.StartObject);
    }

    // A history comes from a handful of devices: one string serves a run of events.
    private string? Device(JsonText text)
    {
        if (!text.IsPresent) return null;
        if (_device is null || !text.Raw.SequenceEqual(_deviceUtf8))
        {
            _device = text.GetString();
            _deviceUtf8 = text.Raw.ToArray();
        }

        return _device;
    }
}
