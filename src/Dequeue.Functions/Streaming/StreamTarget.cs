using Dequeue.Contracts;
using Dequeue.Functions.Telemetry;
using Dequeue.Sync.Log;

namespace Dequeue.Functions.Streaming;

/// <summary>The connection that a stream goes to, and whose history it is. Travels in durable history: no payload, no token.</summary>
/// <param name="ConnectionId">The Web PubSub connection.</param>
/// <param name="SpeaksJson">Whether it is an SDK client on a JSON subprotocol, which wants JSON; others want binary frames.</param>
/// <param name="App">The tenant app.</param>
/// <param name="User">The user, as the service authenticated it.</param>
/// <param name="RequestId">The delivery id of the request.</param>
/// <param name="Trace">Where the stream belongs in telemetry.</param>
public sealed record StreamTarget(string ConnectionId, bool SpeaksJson, string App, string User, string RequestId, StreamTrace? Trace = null)
{
    /// <summary>What the client asked for.</summary>
    public StreamOptions Options { get; init; } = new();

    /// <summary>What the ids of durable instances begin with.</summary>
    public const string InstancePrefix = "stream-";

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

/// <summary>What starts a <see cref="StreamSync"/>.</summary>
/// <param name="Target">Where the stream goes.</param>
/// <param name="Since">The position that the client holds.</param>
/// <param name="Begun">How far the stream came before it turned out too long for one window; null for one that has not begun.</param>
public sealed record StreamOrder(StreamTarget Target, Checkpoint Since, StreamProgress? Begun = null);

/// <summary>How far a stream has come: what goes from one durable step to the next.</summary>
/// <param name="Target">Where the stream goes.</param>
/// <param name="End">Where it ends, fixed when it was planned.</param>
/// <param name="TotalEvents">Events that it was announced with.</param>
/// <param name="Position">Everything up to here was sent.</param>
/// <param name="NextBatch">The index of the next batch.</param>
/// <param name="SentEvents">Events sent so far.</param>
/// <param name="HasGone">The connection is no more: there is nobody to send to.</param>
/// <param name="SentBytes">Bytes of batches sent so far.</param>
/// <param name="EndPosition">Events of the log up to <paramref name="End"/>.</param>
public sealed record StreamProgress(
    StreamTarget Target, Checkpoint End, long TotalEvents, Checkpoint Position, int NextBatch = 0, long SentEvents = 0, bool HasGone = false, long SentBytes = 0, long EndPosition = 0)
{
    /// <summary>Pages up to here come as URLs: decided once, when the stream was planned, so that all its steps agree.</summary>
    public Checkpoint ReferencesThrough { get; init; } = Checkpoint.Beginning;

    /// <summary>Whether every event was sent.</summary>
    public bool IsSent => Position >= End;
}

/// <summary>What ends a stream that cannot go on.</summary>
/// <param name="Target">Where the stream went.</param>
/// <param name="Code">One of <see cref="ErrorCodes"/>.</param>
/// <param name="Text">For people.</param>
public sealed record StreamFailure(StreamTarget Target, string Code, string Text);
