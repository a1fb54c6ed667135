using System.Text.Json;
using System.Text.Unicode;
using Dequeue.Contracts.Events;

namespace Dequeue.Contracts.Pushing;

/// <summary>
/// What an event must be, for the server that stores it and for the device that queues it alike. Only whose <c>user_id</c> it may bear
/// is not said here: the server knows the caller.
/// </summary>
public static class EventRules
{
    /// <summary>The rule of <c>id</c>.</summary>
    public const string IdRule = "id is 1 to 64 of A-Z a-z 0-9 _ - (a CUID or a UUID).";

    /// <summary>How deep a reader of pushes goes: deeper than an event may be, so that one event too deep is rejected by itself.</summary>
    public const int ReaderDepth = 1000;

    /// <summary>Reads one event, and checks it by all the rules.</summary>
    /// <param name="json">A JSON object in UTF-8, alone.</param>
    /// <param name="read">The event, when it breaks none.</param>
    /// <returns>The rule that it breaks, in one sentence, or null.</returns>
    public static string? Read(ReadOnlyMemory<byte> json, out SyncEvent read)
    {
        read = default;
        if (!Utf8.IsValid(json.Span)) return "An event is valid UTF-8.";
        try
        {
            var reader = new Utf8JsonReader(json.Span, new JsonReaderOptions { MaxDepth = ReaderDepth });
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject) return "An event is a JSON object.";
            var fields = EventFields.Read(ref reader, json.Span);
            reader.Read();
            if (!EventId.TryParse(fields.Id, out var id)) return IdRule;
            if ((Broken(fields, out _) ?? Broken(Whitespace.Remove(json))) is { } rule) return rule;
            read = new SyncEvent(json, id.Value, fields.DeviceId.GetString(), fields.PayloadVersion, HasEnvelope: true);
            return null;
        }
        catch (JsonException)
        {
            return "An event is valid JSON.";
        }
    }

    /// <summary>The rule that an envelope breaks, or null.</summary>
    /// <param name="fields">The envelope.</param>
    /// <param name="timestamp">Its <c>ts</c>, when it breaks none.</param>
    public static string? Broken(in EventFields fields, out Checkpoint timestamp)
    {
        timestamp = default;
        if (fields.IsAmbiguous) return "An envelope field stands twice.";
        if (fields.Type.GetString() is not { Length: > 0 and <= PushLimits.MaxTypeLength })
            return $"type is a string of 1 to {PushLimits.MaxTypeLength} characters.";
        if (!fields.Timestamp.IsPresent || !Checkpoint.TryParse(fields.Timestamp.Raw, out timestamp)) return "ts is an RFC 3339 date-time.";
        if (fields.PayloadKind != JsonTokenType.StartObject) return "payload is an object.";
        if (fields.PayloadVersion is null) return "payload_version is an integer.";
        return fields.HasUserId && !fields.UserId.IsPresent ? "user_id is a string." : null;
    }

    /// <summary>The rule that an event's size or shape breaks, or null.</summary>
    /// <param name="event">The event without white space, and how deep it nests.</param>
    internal static string? Broken((ReadOnlyMemory<byte> Json, int Depth) @event)
        => @event.Depth > PushLimits.MaxEventDepth ? $"An event nests at most {PushLimits.MaxEventDepth} levels deep."
            : @event.Json.Length > PushLimits.MaxEventBytes ? $"An event has at most {PushLimits.MaxEventBytes} bytes."
            : null;
}
