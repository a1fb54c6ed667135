using System.Net.WebSockets;
using Dequeue.WebPubSub.Hubs;
using Dequeue.WebPubSub.Messages;
using Dequeue.WebPubSub.Upstream;
using Microsoft.AspNetCore.Http;

namespace Dequeue.WebPubSub.Clients;

/// <summary>What a simple client's messages become, fixed by its URL: the event <c>message</c>, or a publish to one group.</summary>
/// <param name="Group">The group; null for the event.</param>
/// <param name="NoEcho">True when the client does not get its own messages.</param>
internal sealed record SimpleMode(string? Group, bool NoEcho)
{
    /// <summary>Reads <c>webpubsub_mode</c>, <c>group</c> and <c>noEcho</c>; the last of a repeated one counts.</summary>
    /// <returns>Null when a value makes no sense.</returns>
    public static SimpleMode? Read(IQueryCollection query)
    {
        var mode = query["webpubsub_mode"].LastOrDefault() ?? "sendEvent";
        var noEcho = false;
        if (query["noEcho"].LastOrDefault() is { } text && !bool.TryParse(text, out noEcho)) return null;
        if (mode.Equals("sendEvent", StringComparison.OrdinalIgnoreCase)) return new SimpleMode(null, false);
        var group = query["group"].LastOrDefault();
        return mode.Equals("sendToGroup", StringComparison.OrdinalIgnoreCase) && Names.IsGroup(group) ? new SimpleMode(group, noEcho) : null;
    }
}

/// <summary>Takes the messages of a simple client.</summary>
internal sealed class SimpleProtocol(ClientConnection connection, SimpleMode mode)
{
    /// <summary>Takes one message.</summary>
    public ValueTask ReceiveAsync(WebSocketMessageType frame, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        var type = frame == WebSocketMessageType.Binary ? DataType.Binary : DataType.Text;
        if (mode.Group is { } group)
        {
            if (connection.Permissions.Allows(Permission.SendToGroup, group)) connection.Publish(group, new Payload(type, data), mode.NoEcho);
            else connection.Close(CloseReason.Forbidden);
            return ValueTask.CompletedTask;
        }

        return connection.Events.UserEventAsync("message", new Payload(type, data.ToArray()), Done, null, cancellationToken);
    }

    private void Done(EventOutcome outcome)
    {
        if (outcome is EventOutcome.Handled { Reply: { } reply }) connection.SendFromServer(reply);
        else if (outcome is EventOutcome.Failed) connection.Close(CloseReason.EventFailed);
    }
}
