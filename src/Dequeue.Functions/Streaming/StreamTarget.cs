using System.Text.Json.Serialization;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Dequeue.Functions.Http;
using Dequeue.Functions.Telemetry;
using Dequeue.Sync.Log;
using Dequeue.Sync.Streaming;

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
/// <param name="Begun">How far the stream has come already, inline or in the orchestration's runs before; null for one that has not begun.</param>
public sealed record StreamOrder(StreamTarget Target, Checkpoint Since, StreamProgress? Begun = null)
{
    /// <summary>How long an acknowledgement is awaited.</summary>
    public TimeSpan AckPatience { get; init; }

    /// <summary>While one is awaited: until when, in UTC. Else null.</summary>
    public DateTime? AckBy { get; init; }
}

/// <summary>How far a stream has come: what goes from one durable step to the next.</summary>
/// <param name="Target">Where the stream goes.</param>
/// <param name="Plan">What it brings, fixed when it was planned.</param>
/// <param name="Position">Everything up to here was sent: of the events that come first until <paramref name="IsReady"/>, then of the others.</param>
/// <param name="IsReady">Whether the events that come first have all been sent, and <c>ready</c> if there were to be any.</param>
/// <param name="NextBatch">The index of the next batch.</param>
/// <param name="SentEvents">Events sent so far.</param>
/// <param name="SentBytes">Bytes of batches sent so far.</param>
/// <param name="HasGone">The connection is no more: there is nobody to send to.</param>
/// <param name="Digest">The digest of the whole stream, once it was sent in a single window.</param>
public sealed record StreamProgress(
    StreamTarget Target, StreamPlan Plan, Checkpoint Position, bool IsReady, int NextBatch = 0, long SentEvents = 0, long SentBytes = 0, bool HasGone = false, string? Digest = null)
{
    /// <summary>Batches that the client has acknowledged, from the first one on.</summary>
    public int Acknowledged { get; init; }

    /// <summary>
    /// The bytes of each batch that was sent and not acknowledged; of a stream without a window only their sum. Empty in the history of a
    /// stream that an older version began.
    /// </summary>
    public IReadOnlyList<long> Ahead { get; init; } = [];

    /// <summary>Pages up to here come as URLs: decided once, when the stream was planned, so that all its steps agree.</summary>
    public Checkpoint ReferencesThrough { get; init; } = Checkpoint.Beginning;

    /// <summary>Whether every event was sent.</summary>
    [JsonIgnore]
    public bool IsSent => IsReady && SentEvents >= Plan.TotalEvents;

    /// <summary>Bytes that the client may still have to take.</summary>
    [JsonIgnore]
    public long AheadBytes => Ahead.Sum();

    /// <summary>Whether no more may be sent to a client that asked for no window: it cannot say what it has taken.</summary>
    [JsonIgnore]
    public bool NeedsWindow => Target.Options.Window is null && AheadBytes >= StreamLimits.MaxUnacknowledgedBytes;

    /// <summary>Batches that may be sent before the next acknowledgement.</summary>
    [JsonIgnore]
    public int Room => AheadBytes >= StreamLimits.MaxUnacknowledgedBytes ? 0 : Target.Options.Window is { } window ? window - (NextBatch - Acknowledged) : int.MaxValue;

    /// <summary>
    /// Whether enough room is free for another step, once there was none: half the window, so that a durable step sends several batches
    /// and the client has the other half to work on meanwhile, and never more than one step sends; and half of the bytes.
    /// </summary>
    [JsonIgnore]
    public bool HasRoomAgain => Target.Options.Window is not { } window
        || (Room >= Math.Min((window + 1) / 2, StreamLimits.WindowBatches) && AheadBytes <= StreamLimits.MaxUnacknowledgedBytes / 2);

    /// <summary>Where a client that asks again goes on.</summary>
    [JsonIgnore]
    public Checkpoint ResumeAt => IsReady ? Position : Plan.Since;

    /// <summary>The progress after an acknowledgement. One that says nothing new, or is of a batch that was never sent, changes nothing.</summary>
    /// <param name="batchIndex">The last batch that the client has processed.</param>
    public StreamProgress Acknowledge(int batchIndex)
        => batchIndex >= Acknowledged && batchIndex < NextBatch
            ? this with { Acknowledged = batchIndex + 1, Ahead = [.. Ahead.Skip(batchIndex + 1 - Acknowledged)] }
            : this;

    /// <summary>The progress after a batch.</summary>
    /// <param name="batch">What was sent.</param>
    /// <param name="bytes">Its bytes.</param>
    public StreamProgress Sent(StreamBatch batch, long bytes)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return this with
        {
            Position = batch.LastEvent,
            NextBatch = batch.Index + 1,
            SentEvents = SentEvents + batch.Count,
            SentBytes = SentBytes + bytes,
            Ahead = Target.Options.Window is null ? [AheadBytes + bytes] : [.. Ahead, bytes],
        };
    }
}

/// <summary>What ends a stream that cannot go on.</summary>
/// <param name="Target">Where the stream went.</param>
/// <param name="Code">One of <see cref="ErrorCodes"/>.</param>
/// <param name="Text">For people.</param>
/// <param name="ResumeAt">Where a client that asks again goes on; null when it knows best.</param>
/// <param name="Window">The window that it needs; null when it may ask as before.</param>
public sealed record StreamFailure(StreamTarget Target, string Code, string Text, Checkpoint? ResumeAt = null, int? Window = null)
{
    /// <summary>The log's epoch, for a client whose store is of another history.</summary>
    public string? Epoch { get; init; }

    /// <summary>The log's events, for the same.</summary>
    public long? EventCount { get; init; }

    /// <summary>The answer to a client whose store and log are not one history.</summary>
    public static StreamFailure OtherHistory(StreamTarget target, StreamPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return new StreamFailure(target, ErrorCodes.HistoryChanged, Problems.OtherHistory) { Epoch = plan.Epoch, EventCount = plan.EndPosition };
    }

    /// <summary>The end of a stream that nobody acknowledges.</summary>
    public static StreamFailure WindowRequired(StreamProgress progress)
    {
        ArgumentNullException.ThrowIfNull(progress);
        var options = progress.Target.Options;
        var window = StreamWindows.Of(options.Encoding is null ? StreamWindows.Plain : StreamWindows.Compressed, options.BatchSize);
        return new StreamFailure(
            progress.Target,
            ErrorCodes.StreamTimeout,
            $"{progress.AheadBytes / (1024 * 1024)} MB are on their way and none was acknowledged. Ask again from the checkpoint, with a window.",
            progress.ResumeAt,
            window);
    }
}
