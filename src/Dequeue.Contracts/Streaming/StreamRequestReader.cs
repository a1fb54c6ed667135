using System.Text;
using System.Text.Json;

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
            if (!JsonObjectReader.TryBegin(utf8, out var json)) return Invalid("The request is a JSON object.");
            while (json.Next())
            {
                if (json.Is("type"u8))
                {
                    if (!json.IsText("sync.stream.request"u8)) return Invalid($"The type of a request is {StreamRequest.Type}.");
                    typed = true;
                }
                else if (!json.IsNull && Field(ref request, ref json) is { } refusal)
                {
                    return refusal;
                }
            }

            json.End();
        }
        catch (JsonException)
        {
            return Invalid("The request is not valid JSON.");
        }

        return typed ? new StreamRequestReading.Accepted(request) : Invalid($"The request has no type; it must be {StreamRequest.Type}.");
    }

    private static StreamRequestReading.Refused? Field(ref StreamRequest request, ref JsonObjectReader json)
    {
        if (json.Is("since"u8))
        {
            if (json.Position() is not { } since)
                return new StreamRequestReading.Refused(ErrorCodes.InvalidCheckpoint, "since is an RFC 3339 date-time, such as 2026-11-22T08:15:30.1234567Z.");
            request = request with { Since = since };
        }
        else if (json.Is("epoch"u8))
        {
            if (!HistoryClaimFields.TryReadEpoch(ref json, out var epoch)) return Invalid(HistoryClaimFields.EpochRule);
            request = request with { Claim = request.Claim with { Epoch = epoch } };
        }
        else if (json.Is("position"u8))
        {
            if (!HistoryClaimFields.TryReadPosition(ref json, out var position)) return Invalid(HistoryClaimFields.PositionRule);
            request = request with { Claim = request.Claim with { Position = position } };
        }
        else if (json.Is("window"u8))
        {
            if (json.WholeNumber() is not { } batches) return Invalid("window is a whole number.");
            request = request with { Window = (int)Math.Clamp(batches, 1, StreamRequest.MaxWindow) };
        }
        else if (json.Is("batchSize"u8))
        {
            if (json.WholeNumber() is not { } events) return Invalid("batchSize is a whole number.");
            request = request with { BatchSize = (int)Math.Clamp(events, 1, StreamRequest.MaxBatchSize) };
        }
        else if (json.Is("encodings"u8))
        {
            if (json.Texts(BatchEncodings.MaxWishes) is not { } encodings) return Invalid("encodings is an array of names, such as [\"gzip\"].");
            request = request with { Encodings = [.. encodings.Where(encoding => encoding.Length <= BatchEncodings.MaxNameLength)] };
        }
        else if (json.Is("compact"u8))
        {
            if (!StreamCompactReader.TryRead(ref json, out var compact)) return Invalid(StreamCompactReader.Rule);
            request = request with { Compact = compact };
        }
        else if (json.Is("priority"u8))
        {
            if (Priority(ref json) is not { } priority)
                return Invalid($"priority is an object with entityIds, 1 to {StreamPriority.MaxEntities} ids of at most {StreamPriority.MaxIdLength} bytes, or active, true or false.");
            request = request with { Priority = priority };
        }
        else if (json.Is("live"u8))
        {
            if (json.Boolean() is not { } live) return Invalid("live is true or false.");
            request = request with { Live = live };
        }
        else if (json.Is("delta"u8))
        {
            if (json.Boolean() is not { } delta) return Invalid("delta is true or false.");
            request = request with { Delta = delta };
        }
        else if (json.Is("references"u8))
        {
            if (json.Boolean() is not { } references) return Invalid("references is true or false.");
            request = request with { References = references };
        }

        return null;
    }

    private static StreamPriority? Priority(ref JsonObjectReader json)
    {
        if (!json.EnterObject()) return null;
        var priority = new StreamPriority([], false);
        while (json.Next())
        {
            if (json.IsNull) continue;
            if (json.Is("active"u8))
            {
                if (json.Boolean() is not { } active) return null;
                priority = priority with { Active = active };
            }
            else if (json.Is("entityIds"u8))
            {
                if (json.Texts(StreamPriority.MaxEntities) is not { Count: > 0 } ids || ids.Any(static id => id.Length == 0 || Encoding.UTF8.GetByteCount(id) > StreamPriority.MaxIdLength)) return null;
                priority = priority with { EntityIds = ids };
            }
        }

        return priority;
    }

    private static StreamRequestReading.Refused Invalid(string why) => new(ErrorCodes.InvalidRequest, why);
}
