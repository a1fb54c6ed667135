using System.Text.Json.Serialization;

namespace Dequeue.Contracts.Rest;

/// <summary>The answer to a push. <c>errors[i]</c> belongs to <c>rejected[i]</c>.</summary>
/// <param name="Acknowledged">Ids that are stored, now or before.</param>
/// <param name="Rejected">Ids that were not stored; an event without a readable id appears as an empty string.</param>
/// <param name="Errors">Why, one sentence each, in the order of <paramref name="Rejected"/>.</param>
public sealed record PushResponse(IReadOnlyList<string> Acknowledged, IReadOnlyList<string> Rejected, IReadOnlyList<string> Errors)
{
    /// <summary>The log's epoch, for a push that named one, or <c>null</c> for it; else left out.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Epoch { get; init; }
}

/// <summary>Facts about a log. Times are Unix milliseconds.</summary>
/// <param name="EventCount">Events in the log.</param>
/// <param name="LastEventTs">The device time of the event committed last, or null for an empty log.</param>
/// <param name="LastEventId">Its id, or null.</param>
/// <param name="LastSyncedAtTs">Its commit time, or null.</param>
/// <param name="Epoch">The log's epoch; left out when it has none.</param>
public sealed record SyncMeta(
    long EventCount, long? LastEventTs, string? LastEventId, long? LastSyncedAtTs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Epoch = null);

/// <summary>Where to open the WebSocket.</summary>
/// <param name="Url">The Web PubSub URL, with a token that is valid to connect until <paramref name="ExpiresAt"/>.</param>
/// <param name="ExpiresAt">When the token ends. An open connection outlives it.</param>
/// <param name="Epoch">The log's epoch; left out when it has none, or when its storage does not answer.</param>
public sealed record NegotiateResponse(
    string Url, DateTimeOffset ExpiresAt, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Epoch = null);

/// <summary>Asks for the digests of parts of the log, to find out which part of a history is not what the server has.</summary>
/// <param name="Since">The position before the first part; <see cref="Checkpoint.Beginning"/> when null.</param>
/// <param name="Checkpoints">The end of each part, rising: 1 to <see cref="MaxRanges"/>, at most <see cref="PageLimits.Max"/> events
/// between two.</param>
public sealed record DigestsRequest(Checkpoint? Since, IReadOnlyList<Checkpoint> Checkpoints)
{
    /// <summary>Most parts of one call.</summary>
    public const int MaxRanges = 100;
}

/// <summary>The digests of parts of the log.</summary>
/// <param name="Ranges">One for each checkpoint asked for, in the same order.</param>
public sealed record DigestsResponse(IReadOnlyList<RangeDigest> Ranges);

/// <summary>The events after the checkpoint before and up to this one.</summary>
/// <param name="Checkpoint">The end of the part, as it was asked for.</param>
/// <param name="Count">How many events it has.</param>
/// <param name="Digest">Their digest, as <see cref="Events.EventDigest"/> defines it.</param>
public sealed record RangeDigest(Checkpoint Checkpoint, int Count, string Digest);

/// <summary>An RFC 9457 problem with the code of <see cref="ErrorCodes"/>.</summary>
/// <param name="Title">What kind of problem, in a few words.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What to do about it, in a sentence.</param>
/// <param name="Code">One of <see cref="ErrorCodes"/>.</param>
public sealed record Problem(string Title, int Status, string? Detail, string Code)
{
    /// <summary>With <see cref="ErrorCodes.HistoryChanged"/>: the log's epoch; null when there is no log, or it has none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Epoch { get; init; }

    /// <summary>With <see cref="ErrorCodes.HistoryChanged"/>: the events of the log.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? EventCount { get; init; }

    /// <summary>The media type of a problem.</summary>
    public const string MediaType = "application/problem+json";
}

/// <summary>The limits of the REST pages.</summary>
public static class PageLimits
{
    /// <summary>Events of a page when the call names none.</summary>
    public const int Default = 100;

    /// <summary>Most events of a page; the shipped app asks for it. A larger wish is clamped.</summary>
    public const int Max = Limits.EventsTogether;
}

/// <summary>The JSON of the REST bodies that hold no events, generated at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PushResponse))]
[JsonSerializable(typeof(SyncMeta))]
[JsonSerializable(typeof(NegotiateResponse))]
[JsonSerializable(typeof(DigestsRequest))]
[JsonSerializable(typeof(DigestsResponse))]
[JsonSerializable(typeof(Problem))]
public sealed partial class RestJson : JsonSerializerContext;
