using System.Net.WebSockets;

namespace Dequeue.WebPubSub.Clients;

/// <summary>Why a connection ends.</summary>
/// <param name="Status">Code of the close frame.</param>
/// <param name="Description">Text of the close frame.</param>
/// <param name="Message">What a JSON client is told before; null for nothing.</param>
/// <param name="Upstream">What the <c>disconnected</c> handler is told.</param>
/// <param name="Discard">True to throw away what waits for the client.</param>
internal sealed record CloseReason(WebSocketCloseStatus Status, string? Description, string? Message, string? Upstream, bool Discard)
{
    /// <summary>The client reads too slowly for what is sent to it.</summary>
    public static CloseReason SlowClient { get; } = Slow("The outbound message queue is full.");

    /// <summary>The reliable client acknowledges too slowly for what is sent to it.</summary>
    public static CloseReason SlowReliableClient { get; } = Slow("The reliable message buffer is full.");

    /// <summary>More waits for all clients together than the service may hold, and most of it for this one.</summary>
    public static CloseReason Overload { get; } = Slow("The outbound message queues are full.");

    /// <summary>The service stops.</summary>
    public static CloseReason ServerStops { get; } = new(WebSocketCloseStatus.EndpointUnavailable, "The service stops.", null, "The service stops.", true);

    /// <summary>A simple client's event was not taken.</summary>
    public static CloseReason EventFailed { get; }
        = new(WebSocketCloseStatus.InternalServerError, "Internal server error", null, "The event handler failed.", false);

    /// <summary>A simple client publishes to a group that it may not publish to.</summary>
    public static CloseReason Forbidden { get; }
        = new(WebSocketCloseStatus.PolicyViolation, "No permission to send to the group.", null, "No permission to send to the group.", true);

    /// <summary>The application closes it over REST.</summary>
    public static CloseReason ByApplication(string? reason)
    {
        var message = "Application server closed the connection." + (string.IsNullOrEmpty(reason) ? "" : $" Reason: {reason}");
        return new CloseReason(WebSocketCloseStatus.NormalClosure, null, message, message, false);
    }

    /// <summary>The client left, or was lost.</summary>
    public static CloseReason ByClient(string? reason) => new(WebSocketCloseStatus.NormalClosure, null, null, reason, true);

    private static CloseReason Slow(string text) => new(WebSocketCloseStatus.PolicyViolation, text, null, text, true);
}
