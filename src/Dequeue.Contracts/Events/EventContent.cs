using System.Text;
using System.Text.Json;

namespace Dequeue.Contracts.Events;

/// <summary>Reads single members of an event that is valid JSON.</summary>
internal static class EventContent
{
    public static string? Type(ReadOnlyMemory<byte> json) => Text(Member(json, "type"u8));

    public static ReadOnlyMemory<byte> Payload(ReadOnlyMemory<byte> json) => Member(json, "payload"u8);

    public static string? EntityId(ReadOnlyMemory<byte> json)
    {
        if (Type(json) is not { } type || type.IndexOf('.', StringComparison.Ordinal) is not (> 0 and var dot)) return null;
        return Text(Member(Payload(json), Encoding.UTF8.GetBytes(type[..dot] + "Id")));
    }

    // The value of the first member of that name at the top level.
    private static ReadOnlyMemory<byte> Member(ReadOnlyMemory<byte> json, ReadOnlySpan<byte> name)
    {
        if (json.IsEmpty || !JsonObjectReader.TryBegin(json.Span, out var reader)) return default;
        while (reader.Next())
        {
            if (!reader.Is(name)) continue;
            var start = (int)reader.Json.TokenStartIndex;
            reader.Json.Skip();
            return json[start..(int)reader.Json.BytesConsumed];
        }

        return default;
    }

    private static string? Text(ReadOnlyMemory<byte> value)
    {
        var reader = new Utf8JsonReader(value.Span);
        return !value.IsEmpty && reader.Read() && reader.TokenType == JsonTokenType.String ? JsonText.Of(ref reader).GetString() : null;
    }
}
