using System.Text.Json;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Functions.Upstream;

/// <summary>What a message of a client is: told once, by the event's name or by the message's members, before it is read as such.</summary>
/// <param name="Kind">What it is, however malformed.</param>
/// <param name="Why">Of a message that is nothing known: why, in one sentence.</param>
internal readonly record struct SocketMessage(SocketMessageKind Kind, string Why = "")
{
    private const string Known = $"A message is a {StreamRequest.Type}, a {StreamAck.Type}, or a push: {{\"events\":[…]}}.";

    /// <summary>
    /// Tells what a message is. A type that is known decides; without one, <c>events</c> make it a push. Of a message that breaks
    /// off, what came until there decides.
    /// </summary>
    /// <param name="eventName">The event's name: SDK clients name what they send, plain clients send <c>message</c>.</param>
    /// <param name="utf8">The message.</param>
    public static SocketMessage Of(string eventName, ReadOnlySpan<byte> utf8)
    {
        if (KindOf(eventName) is { } named) return new SocketMessage(named);
        SocketMessageKind? kind = null;
        var (hasType, hasEvents, why) = (false, false, "");
        try
        {
            var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = PushDepth });
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject) return new SocketMessage(SocketMessageKind.Unknown, "The message is no JSON object. " + Known);
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = JsonText.Of(ref reader);
                var (isType, isEvents) = (name.Equals("type"u8), name.Equals("events"u8));
                hasEvents |= isEvents;
                reader.Read();
                if (isType)
                {
                    hasType = true;
                    kind = reader.TokenType == JsonTokenType.String ? KindOf(JsonText.Of(ref reader)) : null;
                }

                reader.Skip();
            }
        }
        catch (JsonException)
        {
            why = "The message is not valid JSON.";
        }

        if (kind is { } typed) return new SocketMessage(typed);
        if (hasEvents) return new SocketMessage(SocketMessageKind.Push);
        return new SocketMessage(
            SocketMessageKind.Unknown, why.Length > 0 ? why : (hasType ? "The type of the message is not known. " : "The message has neither a type nor events. ") + Known);
    }

    // As deep as a push is read, so that an event that is too deep is rejected by itself.
    private const int PushDepth = 1000;

    private static SocketMessageKind? KindOf(string eventName)
        => eventName switch
        {
            StreamRequest.Type => SocketMessageKind.Request,
            StreamAck.Type => SocketMessageKind.Ack,
            _ => null,
        };

    private static SocketMessageKind? KindOf(JsonText type)
        => type.Equals("sync.stream.request"u8) ? SocketMessageKind.Request
            : type.Equals("sync.stream.ack"u8) ? SocketMessageKind.Ack
            : null;
}

/// <summary>The kinds of messages.</summary>
internal enum SocketMessageKind
{
    /// <summary>None that is known.</summary>
    Unknown,

    /// <summary>Asks for a stream.</summary>
    Request,

    /// <summary>Tells how far a stream was processed.</summary>
    Ack,

    /// <summary>Brings events.</summary>
    Push,
}
