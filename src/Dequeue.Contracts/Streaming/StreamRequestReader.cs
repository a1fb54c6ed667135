using System.Text;
using System.Text.Json;
using Dequeue.Contracts.Events;

namespace Dequeue.Contracts.Streaming;

/// <summary>Reads a <see cref="StreamRequest"/> field by field. A field that is null counts as absent; one that stands twice, its last.</summary>
internal static class StreamRequestReader
{
    /// <summary>Reads a request. Unknown fields are ignored.</summary>
    public static StreamRequestReading Read(ReadOnlySpan<byte> utf8, bool typeIsKnown)
    {
        var request = new StreamRequest(Checkpoint.Beginning);
        var typed = typeIsKnown;
        try
        {
            var reader = new Utf8JsonReader(utf8);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject) return Invalid("The request is a JSON object.");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = JsonText.Of(ref reader);
                var field = Field(name);
                reader.Read();
                if (field == "type")
                {
                    if (reader.TokenType != JsonTokenType.String || !JsonText.Of(ref reader).Equals("sync.stream.request"u8)) return Invalid($"The type of a request is {StreamRequest.Type}.");
                    typed = true;
                }
                else if (field is null || reader.TokenType == JsonTokenType.Null)
                {
                    reader.Skip();
                }
                else if (With(ref request, field, ref reader) is { } refusal)
                {
                    return refusal;
                }
            }

            while (reader.Read())
            {
            }
        }
        catch (JsonException)
        {
            return Invalid("The request is not valid JSON.");
        }

        return typed ? new StreamRequestReading.Accepted(request) : Invalid($"The request has no type; it must be {StreamRequest.Type}.");
    }

    private static string? Field(JsonText name)
        => name.Equals("type"u8) ? "type"
            : name.Equals("since"u8) ? "since"
            : name.Equals("encodings"u8) ? "encodings"
            : name.Equals("live"u8) ? "live"
            : name.Equals("window"u8) ? "window"
            : name.Equals("batchSize"u8) ? "batchSize"
            : name.Equals("delta"u8) ? "delta"
            : name.Equals("references"u8) ? "references"
            : name.Equals("priority"u8) ? "priority"
            : name.Equals("epoch"u8) ? "epoch"
            : name.Equals("position"u8) ? "position"
            : name.Equals("compact"u8) ? "compact"
            : null;

    private static StreamRequestReading.Refused? With(ref StreamRequest request, string field, ref Utf8JsonReader reader)
    {
        switch (field)
        {
            case "since":
                if (reader.TokenType != JsonTokenType.String || !Checkpoint.TryParse(JsonText.Of(ref reader).GetString(), out var since))
                    return new StreamRequestReading.Refused(ErrorCodes.InvalidCheckpoint, "since is an RFC 3339 date-time, such as 2026-11-22T08:15:30.1234567Z.");
                request = request with { Since = since };
                return null;
            case "encodings":
                if (Texts(ref reader, BatchEncodings.MaxWishes) is not { } encodings) return Invalid("encodings is an array of names, such as [\"gzip\"].");
                request = request with { Encodings = [.. encodings.Where(encoding => encoding.Length <= BatchEncodings.MaxNameLength)] };
                return null;
            case "epoch":
                if (!HistoryClaimFields.TryReadEpoch(ref reader, out var epoch)) return Invalid(HistoryClaimFields.EpochRule);
                request = request with { Claim = request.Claim with { Epoch = epoch } };
                return null;
            case "position":
                if (!HistoryClaimFields.TryReadPosition(ref reader, out var position)) return Invalid(HistoryClaimFields.PositionRule);
                request = request with { Claim = request.Claim with { Position = position } };
                return null;
            case "window" or "batchSize":
                if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var number)) return Invalid($"{field} is a whole number.");
                request = field == "window"
                    ? request with { Window = (int)Math.Clamp(number, 1, StreamRequest.MaxWindow) }
                    : request with { BatchSize = (int)Math.Clamp(number, 1, StreamRequest.MaxBatchSize) };
                return null;
            case "compact":
                if (!StreamCompactReader.TryRead(ref reader, out var compact)) return Invalid(StreamCompactReader.Rule);
                request = request with { Compact = compact };
                return null;
            case "priority":
                if (Priority(ref reader) is not { } priority)
                    return Invalid($"priority is an object with entityIds, 1 to {StreamPriority.MaxEntities} ids of at most {StreamPriority.MaxIdLength} bytes, or active, true or false.");
                request = request with { Priority = priority };
                return null;
            default:
                if (reader.TokenType is not (JsonTokenType.True or JsonTokenType.False)) return Invalid($"{field} is true or false.");
                var wish = reader.TokenType == JsonTokenType.True;
                request = field switch
                {
                    "live" => request with { Live = wish },
                    "delta" => request with { Delta = wish },
                    _ => request with { References = wish },
                };
                return null;
        }
    }

    private static StreamPriority? Priority(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject) return null;
        var priority = new StreamPriority([], false);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = JsonText.Of(ref reader);
            var (isIds, isActive) = (name.Equals("entityIds"u8), name.Equals("active"u8));
            reader.Read();
            if ((!isIds && !isActive) || reader.TokenType == JsonTokenType.Null)
            {
                reader.Skip();
            }
            else if (isActive)
            {
                if (reader.TokenType is not (JsonTokenType.True or JsonTokenType.False)) return null;
                priority = priority with { Active = reader.TokenType == JsonTokenType.True };
            }
            else
            {
                if (Texts(ref reader, StreamPriority.MaxEntities) is not { Count: > 0 } ids || ids.Any(id => id.Length == 0 || Encoding.UTF8.GetByteCount(id) > StreamPriority.MaxIdLength)) return null;
                priority = priority with { EntityIds = ids };
            }
        }

        return priority;
    }

    /// <summary>An array of strings; null when it is none, has too many, or holds a text that is no Unicode.</summary>
    private static List<string>? Texts(ref Utf8JsonReader reader, int most)
    {
        if (reader.TokenType != JsonTokenType.StartArray) return null;
        var texts = new List<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.String || texts.Count == most || JsonText.Of(ref reader).GetString() is not { } text) return null;
            texts.Add(text);
        }

        return texts;
    }

    private static StreamRequestReading.Refused Invalid(string why) => new(ErrorCodes.InvalidRequest, why);
}
