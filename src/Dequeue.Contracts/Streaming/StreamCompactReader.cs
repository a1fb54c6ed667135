using System.Text.Json;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Pushing;

namespace Dequeue.Contracts.Streaming;

/// <summary>Reads the field <c>compact</c> of requests, over the socket and by REST.</summary>
public static class StreamCompactReader
{
    /// <summary>What a client is told whose <c>compact</c> is none.</summary>
    public static readonly string Rule =
        $"compact is true or false, or an object with keep, at most {StreamCompact.MaxTypes} types "
            + $"of 1 to {PushLimits.MaxTypeLength} characters.";

    /// <summary>Reads the value that <paramref name="reader"/> stands on and leaves the reader on its end.</summary>
    /// <param name="reader">Stands on a value that is not null.</param>
    /// <param name="compact">What is asked for; null for the whole history.</param>
    /// <returns>False when it is malformed.</returns>
    public static bool TryRead(ref Utf8JsonReader reader, out StreamCompact? compact)
    {
        compact = null;
        if (reader.TokenType == JsonTokenType.False) return true;
        compact = new StreamCompact();
        if (reader.TokenType == JsonTokenType.True) return true;
        if (reader.TokenType != JsonTokenType.StartObject) return false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isKeep = JsonText.Of(ref reader).Equals("keep"u8);
            reader.Read();
            if (!isKeep || reader.TokenType == JsonTokenType.Null) reader.Skip();
            else if (Types(ref reader) is { } types) compact = compact with { Keep = types };
            else return false;
        }

        return true;
    }

    private static List<string>? Types(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray) return null;
        var types = new List<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.String || types.Count == StreamCompact.MaxTypes
                || JsonText.Of(ref reader).GetString() is not { Length: > 0 and <= PushLimits.MaxTypeLength } type)
            {
                return null;
            }

            types.Add(type);
        }

        return types;
    }
}
