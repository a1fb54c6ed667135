using System.Text.Json;
using Dequeue.Contracts.Events;

namespace Dequeue.Sync.Log.Entities;

/// <summary>What an event is about: its type and its payload, found in one pass without copying.</summary>
internal readonly ref struct EventOutline
{
    private EventOutline(JsonText type, ReadOnlySpan<byte> payload)
    {
        Type = type;
        Payload = payload;
    }

    /// <summary><c>type</c>.</summary>
    public JsonText Type { get; }

    /// <summary>The object <c>payload</c>.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>Reads an event.</summary>
    /// <returns>False when it is no event: no well-formed object, or without a payload.</returns>
    public static bool TryRead(ReadOnlySpan<byte> json, out EventOutline outline)
    {
        outline = default;
        var type = default(JsonText);
        var payload = default(ReadOnlySpan<byte>);
        var reader = new Utf8JsonReader(json);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var (isType, isPayload) = (JsonText.Of(ref reader).Equals("type"u8), JsonText.Of(ref reader).Equals("payload"u8));
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                if (isType && reader.TokenType == JsonTokenType.String) type = new JsonText(reader.ValueSpan, reader.ValueIsEscaped);
                var isObject = reader.TokenType == JsonTokenType.StartObject;
                reader.Skip();
                if (isPayload && isObject) payload = json[start..(int)reader.BytesConsumed];
            }
        }
        catch (JsonException)
        {
            return false;
        }

        outline = new EventOutline(type, payload);
        return !payload.IsEmpty;
    }
}
