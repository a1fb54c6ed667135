using Dequeue.Contracts;
using Dequeue.Functions.Telemetry;
using Dequeue.Sync.Log;

namespace Dequeue.Functions.Streaming;

/// <summary>The connection that a stream goes to, and whose history it is. Travels in durable history: no payload, no token.</summary>
public sealed record StreamTarget
{
    /// <summary>What the ids of durable instances begin with.</summary>
    public const string InstancePrefix = "stream-";

    /// <summary>The Web PubSub connection.</summary>
    public required string ConnectionId { get; init; }

    /// <summary>Whether it is an SDK client on a JSON subprotocol, which wants JSON; others want binary frames.</summary>
    public bool SpeaksJson { get; init; }

    /// <summary>The tenant app.</summary>
    public required string App { get; init; }

    /// <summary>The user, as the service authenticated it.</summary>
    public required string User { get; init; }

    /// <summary>The delivery id of the request.</summary>
    public required string RequestId { get; init; }

    /// <summary>Where the stream belongs in telemetry.</summary>
    public StreamTrace? Trace { get; init; }

    /// <summary>What the client asked for.</summary>
    public StreamOptions Options { get; init; } = new();

    /// <summary>The group that holds this connection alone.</summary>
    public string Group => GroupOf(ConnectionId);

    /// <summary>The durable instance of a stream on this connection.</summary>
    public string InstanceId => InstanceOf(ConnectionId);

    /// <summary>Whose events are streamed.</summary>
    public LogKey Log() => new(AppId.Parse(App), UserId.Parse(User));

    /// <summary>The group of a connection.</summary>
    public static string GroupOf(string connectionId) => "stream." + connectionId;

    /// <summary>The durable instance of a connection: at most one at a time.</summary>
    public static string InstanceOf(string connectionId) => InstancePrefix + connectionId;

    /// <summary>The connection of a durable instance.</summary>
    public static string ConnectionOf(string instanceId) => instanceId[InstancePrefix.Length..];
}
