using System.Text.Json;
using System.Text.Unicode;
using Dequeue.WebPubSub.Hubs;
using Dequeue.WebPubSub.Messages;

namespace Dequeue.WebPubSub.Clients;

/// <summary>What a JSON client sends: one JSON object per WebSocket message.</summary>
internal abstract record ClientRequest
{
    /// <summary>Deepest nesting that is read: payloads are the application's, this only bounds the parser.</summary>
    public const int MaxDepth = 512;

    /// <summary>Asks for an answer under this id; null for none.</summary>
    public ulong? AckId { get; init; }

    /// <summary>Joins a group.</summary>
    public sealed record JoinGroup(string Group) : ClientRequest;

    /// <summary>Leaves a group.</summary>
    public sealed record LeaveGroup(string Group) : ClientRequest;

    /// <summary>Publishes to a group.</summary>
    public sealed record SendToGroup(string Group, Payload Payload, bool NoEcho) : ClientRequest;

    /// <summary>Raises an event for the application.</summary>
    public sealed record Event(string Name, Payload Payload) : ClientRequest;

    /// <summary>Asks for a pong.</summary>
    public sealed record Ping : ClientRequest;

    /// <summary>Releases every message up to this id.</summary>
    public sealed record SequenceAck(ulong SequenceId) : ClientRequest;

    /// <summary>Not of the protocol: the client is closed with this reason.</summary>
    public sealed record Invalid(string Reason) : ClientRequest;

    /// <summary>Reads one message. The payload may point into it.</summary>
    public static ClientRequest Parse(ReadOnlyMemory<byte> utf8)
    {
        try
        {
            return Utf8.IsValid(utf8.Span) ? Read(utf8) : new Invalid("The message is not UTF-8.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            return new Invalid("The message is not a valid JSON object of the protocol.");
        }
    }

    private static ClientRequest Read(ReadOnlyMemory<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8.Span, new JsonReaderOptions { MaxDepth = MaxDepth });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return new Invalid("The message is not a JSON object.");

        string? type = null, group = null, eventName = null, dataType = null;
        ulong? ackId = null, sequenceId = null;
        var noEcho = false;
        ReadOnlyMemory<byte> data = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString();
            reader.Read();
            if (reader.TokenType == JsonTokenType.Null && name != "data") continue;
            switch (name)
            {
                case "type": type = reader.GetString(); break;
                case "group": group = reader.GetString(); break;
                case "event": eventName = reader.GetString(); break;
                case "dataType": dataType = reader.GetString(); break;
                case "ackId": ackId = reader.GetUInt64(); break;
                case "sequenceId": sequenceId = reader.GetUInt64(); break;
                case "noEcho": noEcho = reader.GetBoolean(); break;
                case "data":
                    var start = (int)reader.TokenStartIndex;
                    reader.Skip();
                    data = utf8[start..(int)reader.BytesConsumed];
                    break;
                default: reader.Skip(); break;
            }
        }

        // The reader stops at the end of the object; what follows it must be white space.
        if (reader.TokenType != JsonTokenType.EndObject || reader.Read()) return new Invalid("The message is not one JSON object.");

        return type?.ToUpperInvariant() switch
        {
            "JOINGROUP" when Names.IsGroup(group) => new JoinGroup(group!) { AckId = ackId },
            "LEAVEGROUP" when Names.IsGroup(group) => new LeaveGroup(group!) { AckId = ackId },
            "SENDTOGROUP" when Names.IsGroup(group) => Payload.TryRead(dataType, data, out var payload)
                ? new SendToGroup(group!, payload, noEcho) { AckId = ackId }
                : new Invalid("The data of sendToGroup does not fit its dataType."),
            "JOINGROUP" or "LEAVEGROUP" or "SENDTOGROUP" => new Invalid("The group is missing or no group name."),
            "EVENT" when Names.IsEvent(eventName) => Payload.TryRead(dataType, data, out var payload)
                ? new Event(eventName!, payload) { AckId = ackId }
                : new Invalid("The data of the event does not fit its dataType."),
            "EVENT" => new Invalid("The event is missing or no event name."),
            "PING" => new Ping(),
            "SEQUENCEACK" when sequenceId is { } id => new SequenceAck(id),
            "SEQUENCEACK" => new Invalid("The sequenceId is missing."),
            _ => new Invalid("The type of the message is missing or unknown."),
        };
    }
}

/// <summary>A payload with what it is.</summary>
/// <param name="Type">What it is.</param>
/// <param name="Data">Its bytes, decoded; valid as long as the message that they were read from.</param>
internal readonly record struct Payload(DataType Type, ReadOnlyMemory<byte> Data)
{
    /// <summary>Reads the raw JSON token of <c>data</c> as its <c>dataType</c> says; json when it does not say.</summary>
    public static bool TryRead(string? dataType, ReadOnlyMemory<byte> token, out Payload payload)
    {
        payload = default;
        if (token.IsEmpty) return false;
        var reader = new Utf8JsonReader(token.Span, new JsonReaderOptions { MaxDepth = ClientRequest.MaxDepth });
        reader.Read();
        switch (dataType?.ToUpperInvariant() ?? "JSON")
        {
            case "JSON":
                payload = new Payload(DataType.Json, token);
                return true;
            case "TEXT" when reader.TokenType == JsonTokenType.String:
                var text = new byte[reader.ValueSpan.Length];
                payload = new Payload(DataType.Text, text.AsMemory(0, reader.CopyString(text)));
                return true;
            case "BINARY" or "PROTOBUF" when reader.TokenType == JsonTokenType.String && reader.TryGetBytesFromBase64(out var bytes):
                payload = new Payload(DataType.Binary, bytes);
                return true;
            default:
                return false;
        }
    }
}
