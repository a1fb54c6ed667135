using System.Net.WebSockets;
using Dequeue.WebPubSub.Hubs;
using Dequeue.WebPubSub.Messages;
using Dequeue.WebPubSub.Upstream;
using Microsoft.Extensions.Logging;

namespace Dequeue.WebPubSub.Clients;

/// <summary>Takes the messages of a JSON client, reliable or not.</summary>
internal sealed partial class JsonProtocol(ClientConnection connection, ClientSession session, ILogger logger)
{
    private readonly ILogger _logger = logger;

    /// <summary>Takes one message; UTF-8 in a binary frame is as good as in a text frame.</summary>
    public ValueTask ReceiveAsync(WebSocketMessageType frame, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        var request = ClientRequest.Parse(data);
        if (request.AckId is { } ackId && connection.Acks.Contains(ackId))
        {
            Ack(request, AckError.Duplicate(ackId));
            return ValueTask.CompletedTask;
        }

        switch (request)
        {
            case ClientRequest.JoinGroup(var group):
                if (Allowed(request, Permission.JoinLeaveGroup, group) && connection.Hub.Join(connection, group)) Ack(request, null);
                break;
            case ClientRequest.LeaveGroup(var group):
                if (!Allowed(request, Permission.JoinLeaveGroup, group)) break;
                connection.Hub.Leave(connection, group);
                Ack(request, null);
                break;
            case ClientRequest.SendToGroup(var group, var payload, var noEcho):
                if (!Allowed(request, Permission.SendToGroup, group)) break;
                connection.Publish(group, payload, noEcho);
                Ack(request, null);
                break;
            case ClientRequest.Event(var name, var payload):
                return RaiseAsync(request, name, payload, cancellationToken);
            case ClientRequest.Ping:
                connection.SendService(ServiceFrames.Pong);
                break;
            case ClientRequest.SequenceAck(var sequenceId):
                connection.Acknowledge(sequenceId);
                break;
            case ClientRequest.Invalid(var reason):
                session.Close(WebSocketCloseStatus.InvalidPayloadData, reason, discard: true);
                break;
        }

        return ValueTask.CompletedTask;
    }

    private bool Allowed(ClientRequest request, Permission permission, string group)
    {
        if (connection.Permissions.Allows(permission, group)) return true;
        Ack(request, AckError.Forbidden(permission == Permission.SendToGroup
            ? "The client does not have permission to send to the group."
            : "The client does not have permission to join or leave the group."));
        return false;
    }

    private ValueTask RaiseAsync(ClientRequest request, string name, Payload payload, CancellationToken cancellationToken)
    {
        // A client that came back repeats what it has no ack for, maybe while the first one is still being handled.
        bool Skip()
        {
            if (request.AckId is not { } ackId || !connection.Acks.Contains(ackId)) return false;
            Ack(request, AckError.Duplicate(ackId));
            return true;
        }

        void Done(EventOutcome outcome)
        {
            switch (outcome)
            {
                case EventOutcome.Handled(var reply):
                    if (reply is { } payload) connection.SendFromServer(payload);
                    Ack(request, null);
                    break;
                case EventOutcome.Failed(var reason):
                    LogEventFailed(connection.Hub.Name, name, connection.Id, reason);
                    Ack(request, AckError.InternalServerError(reason));
                    break;
            }
        }

        return connection.Events.UserEventAsync(name, payload with { Data = payload.Data.ToArray() }, Done, Skip, cancellationToken);
    }

    private void Ack(ClientRequest request, AckError? error)
    {
        if (request.AckId is not { } ackId) return;
        if (error is null) connection.Acks.Add(ackId);
        connection.SendService(ServiceFrames.Ack(ackId, error));
    }

    [LoggerMessage(3010, LogLevel.Information, "Hub {Hub}: event '{EventName}' of connection {ConnectionId} failed: {Reason}")]
    private partial void LogEventFailed(string hub, string eventName, string connectionId, string reason);
}
