using System.Text.Json.Serialization;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Dequeue.Sync.Log;

namespace Dequeue.Sync.Streaming;

/// <summary>A stream's fixed frame: what was in the log when it was asked for. Travels in durable history: positions, no payload.</summary>
/// <param name="Since">Where the client stands.</param>
/// <param name="End">The head at planning time. Events committed later belong to the next sync.</param>
/// <param name="TotalEvents">Events in between.</param>
/// <param name="EndPosition">Events of the log up to its end.</param>
public sealed record StreamPlan(Checkpoint Since, Checkpoint End, long TotalEvents, long EndPosition)
{
    /// <summary>Bytes of an event that are reckoned with for a log that does not know its own: a little more than usual.</summary>
    private const int UsualEventBytes = 600;

    /// <summary>The entities whose events come first; null for the log's own order.</summary>
    public EntityQuery? Priority { get; init; }

    /// <summary>How many events come first; null when none were asked for.</summary>
    public long? PriorityEvents { get; init; }

    /// <summary>The digest of the stream, when the log knows it without reading: that of a whole history in its own order, or of nothing.</summary>
    public string? Digest { get; init; }

    /// <summary>Which events come first, for who goes on in the same process; found anew from <see cref="Priority"/> by others.</summary>
    [JsonIgnore]
    public EventSelection? Selection { get; init; }

    /// <summary>About how many bytes of JSON the events are.</summary>
    public long Bytes { get; init; }

    /// <summary>Whole pages up to here never change again.</summary>
    public Checkpoint SealedThrough { get; init; } = Checkpoint.Beginning;

    /// <summary>The log's epoch, when it is known.</summary>
    public string? Epoch { get; init; }

    /// <summary>True when the client's store and the log are not one history: there is nothing to stream.</summary>
    public bool IsOtherHistory { get; init; }

    /// <summary>
    /// Plans a stream: at most two row reads, whatever the length of the history, three when the client says its position; with priority,
    /// as many more as its entities need.
    /// </summary>
    /// <param name="events">The event log.</param>
    /// <param name="log">Whose.</param>
    /// <param name="since">Events strictly after this position.</param>
    /// <param name="priority">What the client wants first; null for nothing.</param>
    /// <param name="claim">What the client says of its store.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="Storage.StorageUnavailableException">The storage did not answer.</exception>
    public static async Task<StreamPlan> MakeAsync(
        EventLog events, LogKey log, Checkpoint since, StreamPriority? priority, HistoryClaim claim, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        var head = await events.ReadHeadAsync(log, cancellationToken);
        if (!await events.FitsAsync(log, head, since, claim, cancellationToken))
            return new StreamPlan(since, since, 0, head.Count) { Epoch = head.Epoch, IsOtherHistory = true };
        return await MakeAsync(events, log, head, since, priority, cancellationToken) with { Epoch = head.Epoch };
    }

    private static async Task<StreamPlan> MakeAsync(
        EventLog events, LogKey log, LogHead head, Checkpoint since, StreamPriority? priority, CancellationToken cancellationToken)
    {
        var plan = head.Count == 0 || since >= head.Last
            ? new StreamPlan(since, Positions.NotPast(since, head), 0, head.Count) { Digest = LogHead.Empty.Digest }
            : Of(since, head, await events.CountAfterAsync(log, head, since, cancellationToken));
        if (priority is null) return plan.TotalEvents == head.Count && head.Count > 0 ? plan with { Digest = head.Digest } : plan;

        var query = new EntityQuery(priority.EntityIds, priority.Active ? head.ActiveStackId : null);
        if (plan.TotalEvents == 0) return plan with { Priority = query, PriorityEvents = 0 };
        var selection = await events.SelectAsync(log, query, plan.Since, plan.End, cancellationToken);
        return plan with { Priority = query, PriorityEvents = selection.Count, Selection = selection };
    }

    private static StreamPlan Of(Checkpoint since, LogHead head, long count)
        => new(since, head.Last, count, head.Count)
        {
            Bytes = head.Bytes is { } bytes ? (long)((double)bytes * count / head.Count) : count * UsualEventBytes,
            SealedThrough = head.SealedThrough,
        };
}
