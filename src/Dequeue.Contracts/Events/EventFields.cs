using System.Text.Json;

namespace Dequeue.Contracts.Events;

/// <summary>
/// The envelope fields of one event, read in a single pass without copying. The event itself stays the bytes it is:
/// <see cref="Json"/> is what is stored and sent.
/// </summary>
public ref struct EventFields
{
    /// <summary>The whole event object.</summary>
    public ReadOnlySpan<byte> Json { get; private set; }

    /// <summary><c>id</c>, or null when it is missing or no string.</summary>
    public string? Id { get; private set; }

    /// <summary><c>type</c>; <see cref="JsonText.IsPresent"/> is false when it is missing or no string.</summary>
    public JsonText Type { get; private set; }

    /// <summary><c>ts</c>, the device's clock.</summary>
    public JsonText Timestamp { get; private set; }

    /// <summary><c>user_id</c>.</summary>
    public JsonText UserId { get; private set; }

    /// <summary>Whether <c>user_id</c> stands there at all, be it a string or not.</summary>
    public bool HasUserId { get; private set; }

    /// <summary><c>device_id</c>.</summary>
    public JsonText DeviceId { get; private set; }

    /// <summary>What <c>payload</c> is; <see cref="JsonTokenType.None"/> when it is missing.</summary>
    public JsonTokenType PayloadKind { get; private set; }

    /// <summary><c>payload_version</c>, or null when it is missing or no 32-bit integer.</summary>
    public int? PayloadVersion { get; private set; }

    /// <summary>True when an envelope field stands twice, so that two readers could disagree about what the event says.</summary>
    public bool IsAmbiguous { get; private set; }

    /// <summary>
    /// Reads the object that <paramref name="reader"/> stands on (its <see cref="JsonTokenType.StartObject"/>) and leaves the
    /// reader on its end.
    /// </summary>
    /// <param name="reader">A reader over <paramref name="source"/>, given as one final block.</param>
    /// <param name="source">The bytes that the reader reads.</param>
    /// <exception cref="JsonException">The JSON is not well-formed.</exception>
    public static EventFields Read(scoped ref Utf8JsonReader reader, ReadOnlySpan<byte> source)
    {
        var fields = new EventFields();
        var start = (int)reader.TokenStartIndex;
        var seen = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var field = Field(ref reader);
            reader.Read();
            if (field != 0)
            {
                fields.IsAmbiguous |= (seen & field) != 0;
                seen |= field;
            }

            switch (field)
            {
                case IdField: fields.Id = reader.TokenType == JsonTokenType.String ? Text(ref reader, source).GetString() : null; break;
                case TypeField: fields.Type = Text(ref reader, source); break;
                case TimestampField: fields.Timestamp = Text(ref reader, source); break;
                case UserField: fields.UserId = Text(ref reader, source); break;
                case DeviceField: fields.DeviceId = Text(ref reader, source); break;
                case VersionField:
                    fields.PayloadVersion = reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var version) ? version : null;
                    break;
                case PayloadField: fields.PayloadKind = reader.TokenType; break;
            }

            reader.Skip();
        }

        fields.HasUserId = (seen & UserField) != 0;
        fields.Json = source[start..(int)reader.BytesConsumed];
        return fields;
    }

    private const int IdField = 1, TypeField = 2, TimestampField = 4, UserField = 8, DeviceField = 16, PayloadField = 32, VersionField = 64;

    private static int Field(scoped ref Utf8JsonReader reader)
    {
        if (reader.ValueIsEscaped) return Escaped(JsonText.Of(ref reader));
        var name = reader.ValueSpan;
        return name.Length switch
        {
            2 => name.SequenceEqual("id"u8) ? IdField : name.SequenceEqual("ts"u8) ? TimestampField : 0,
            4 => name.SequenceEqual("type"u8) ? TypeField : 0,
            7 => name.SequenceEqual("payload"u8) ? PayloadField : name.SequenceEqual("user_id"u8) ? UserField : 0,
            9 => name.SequenceEqual("device_id"u8) ? DeviceField : 0,
            15 => name.SequenceEqual("payload_version"u8) ? VersionField : 0,
            _ => 0,
        };
    }

    private static int Escaped(JsonText name)
        => name.GetString() switch
        {
            "id" => IdField,
            "ts" => TimestampField,
            "type" => TypeField,
            "payload" => PayloadField,
            "user_id" => UserField,
            "device_id" => DeviceField,
            "payload_version" => VersionField,
            _ => 0,
        };

    private static JsonText Text(scoped ref Utf8JsonReader reader, ReadOnlySpan<byte> source)
        => reader.TokenType == JsonTokenType.String
            ? new JsonText(source.Slice((int)reader.TokenStartIndex + 1, reader.ValueSpan.Length), reader.ValueIsEscaped, (int)reader.TokenStartIndex + 1)
            : default;
}
