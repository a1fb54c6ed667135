using System.Text.Json.Serialization;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Entities;
using Dequeue.Sync.Log.Reading;

namespace Dequeue.Sync.Streaming;

/// <summary>A stream's fixed frame: what was in the log when it was asked for. Travels in durable history: positions, no payload.</summary>
/// <param name="Since">Where the client stands.</param>
/// <param name="End">The head at planning time. Events committed later belong to the next sync.</param>
/// <param name="TotalEvents">Events in between, of a compact stream those that come.</param>
/// <param name="EndPosition">Events of the log up to its end.</param>
public sealed record StreamPlan(Checkpoint Since, Checkpoint End, long TotalEvents, long EndPosition)
{
    /// <summary>Bytes of an event that are reckoned with for a log that does not know its own: a little more than usual.</summary>
    private const int UsualEventBytes = 600;

    /// <summary>The entities whose events come first; null for the log's own order.</summary>
    public EntityQuery? Priority { get; init; }

    /// <summary>How many events come first; null when none were asked for.</summary>
    public long? PriorityEvents { get; init; }

    /// <summary>What is left out; null for nothing.</summary>
    public StreamCompact? Compact { get; init; }

    /// <summary>Of a compact stream: the events in between, with those left out; null of any other.</summary>
    public long? HistoryEvents { get; init; }

    /// <summary>The digest of the stream, when the log knows it without reading: that of a whole history in its own order, or of nothing.</summary>
    public string? Digest { get; init; }

    /// <summary>Which events come, for who goes on in the same process; found anew from what was asked for by others.</summary>
    [JsonIgnore]
    public StreamSelection? Selection { get; init; }

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
    /// as many more as its entities need; of a compact one, as many as what matters needs.
    /// </summary>
    /// <param name="events">The event log.</param>
    /// <param name="log">Whose.</param>
    /// <param name="since">Events strictly after this position.</param>
    /// <param name="priority">What the client wants first; null for nothing.</param>
    /// <param name="compact">What the client wants left out; null for nothing.</param>
    /// <param name="claim">What the client says of its store.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="Storage.StorageUnavailableException">The storage did not answer.</exception>
    public static async Task<StreamPlan> MakeAsync(
        EventLog events, LogKey log, Checkpoint since, StreamPriority? priority, StreamCompact? compact, HistoryClaim claim,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        var head = await events.ReadHeadAsync(log, cancellationToken);
        if (!await events.FitsAsync(log, head, since, claim, cancellationToken))
            return new StreamPlan(since, since, 0, head.Count) { Epoch = head.Epoch, IsOtherHistory = true };
        return await MakeAsync(events, log, head, since, priority, compact, cancellationToken) with { Epoch = head.Epoch };
    }

    private static async Task<StreamPlan> MakeAsync(
        EventLog events, LogKey log, LogHead head, Checkpoint since, StreamPriority? priority, StreamCompact? compact,
        CancellationToken cancellationToken)
    {
        var plan = head.Count == 0 || since >= head.Last
            ? new StreamPlan(since, Positions.NotPast(since, head), 0, head.Count) { Digest = LogHead.Empty.Digest }
            : Of(since, head, await events.CountAfterAsync(log, head, since, cancellationToken));
        var query = priority is null ? null : new EntityQuery(priority.EntityIds, priority.Active ? head.ActiveStackId : null);
        if (query is not null) plan = plan with { Priority = query, PriorityEvents = 0 };
        else if (plan.TotalEvents == head.Count && head.Count > 0) plan = plan with { Digest = head.Digest };
        if (compact is not null) plan = plan with { Compact = compact, HistoryEvents = plan.TotalEvents };
        if (plan.TotalEvents == 0 || (priority is null && compact is null)) return plan;

        var selection = await events.SelectAllAsync(log, plan, cancellationToken);
        if (selection.First is { } first) plan = plan with { PriorityEvents = first.Count };
        if (selection.Survivors is not { } survivors) return plan with { Selection = selection };

        // What leaves nothing out is the history, and comes as that does.
        return survivors.Count == plan.TotalEvents
            ? plan with { Compact = null, Selection = selection with { Survivors = null } }
            : plan with
            {
                TotalEvents = survivors.Count, Digest = null, Selection = selection, Bytes = plan.Bytes * survivors.Count / plan.TotalEvents,
            };
    }

    private static StreamPlan Of(Checkpoint since, LogHead head, long count)
        => new(since, head.Last, count, head.Count)
        {
            Bytes = head.Bytes is { } bytes ? (long)((double)bytes * count / head.Count) : count * UsualEventBytes,
            SealedThrough = head.SealedThrough,
        };
}
