using System.Text.Json;
using Dequeue.Contracts;
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
            if (!JsonObjectReader.TryBegin(utf8, out var json, PushDepth)) return new SocketMessage(SocketMessageKind.Unknown, "The message is no JSON object. " + Known);
            while (json.Next())
            {
                hasEvents |= json.Is("events"u8);
                if (!json.Is("type"u8)) continue;
                hasType = true;
                kind = json.Text() is { } type ? KindOf(type) : null;
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
