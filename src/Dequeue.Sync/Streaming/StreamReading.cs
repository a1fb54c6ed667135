using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Sync.Log;

namespace Dequeue.Sync.Streaming;

/// <summary>The pages of a planned stream, in the order that its client asked for.</summary>
public static class StreamReading
{
    /// <summary>Finds which events come first; the same in every step of a stream, because the log never changes up to its end.</summary>
    /// <returns>Null for a stream in the log's own order.</returns>
    public static async Task<EventSelection?> SelectionAsync(this EventLog events, LogKey log, StreamPlan plan, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        ArgumentNullException.ThrowIfNull(plan);
        if (plan is not { Priority: { } query, PriorityEvents: > 0 }) return null;
        return plan.Selection ?? await events.SelectAsync(log, query, plan.Since, plan.End, cancellationToken);
    }

    /// <summary>The events that come after those that come first: all of them, in the log's own order.</summary>
    /// <param name="events">The event log.</param>
    /// <param name="log">Whose.</param>
    /// <param name="plan">The stream's.</param>
    /// <param name="selection">What came first; null for nothing.</param>
    /// <param name="after">Events strictly after this position.</param>
    /// <param name="packed">Whether pages may stay as they are stored.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public static IAsyncEnumerable<EventPage> ReadRestAsync(
        this EventLog events, LogKey log, StreamPlan plan, EventSelection? selection, Checkpoint after, bool packed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        ArgumentNullException.ThrowIfNull(plan);
        return selection is not null ? events.ReadOthersAsync(log, selection, after, plan.End, packed, cancellationToken)
            : packed ? events.ReadPackedAsync(log, after, plan.End, cancellationToken)
            : events.ReadAsync(log, after, plan.End, cancellationToken);
    }

    /// <summary>The digest of a stream that was too long to be hashed on its way, by reading it again.</summary>
    public static async Task<string> DigestAsync(this EventLog events, LogKey log, StreamPlan plan, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        ArgumentNullException.ThrowIfNull(plan);
        if (await events.SelectionAsync(log, plan, cancellationToken) is not { } selection) return await events.DigestAsync(log, plan.Since, plan.End, cancellationToken);
        using var digest = new EventDigest();
        await foreach (var page in events.ReadSelectedAsync(log, selection, plan.Since, plan.End, cancellationToken)) digest.Append(page);
        await foreach (var page in events.ReadOthersAsync(log, selection, plan.Since, plan.End, packed: false, cancellationToken)) digest.Append(page);
        return digest.ToString();
    }
}
