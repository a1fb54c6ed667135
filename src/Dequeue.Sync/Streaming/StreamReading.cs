using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Checking;

namespace Dequeue.Sync.Streaming;

/// <summary>The pages of a planned stream, in the order that its client asked for.</summary>
public static class StreamReading
{
    /// <summary>Finds which events come, and which first; the same in every step of a stream, because the log never changes up to its end.</summary>
    public static Task<StreamSelection> SelectAsync(this EventLog events, LogKey log, StreamPlan plan, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        ArgumentNullException.ThrowIfNull(plan);
        return plan.Selection is { } known
            ? Task.FromResult(known)
            : events.SelectAllAsync(log, plan.PriorityEvents > 0 ? plan : plan with { Priority = null }, cancellationToken);
    }

    /// <summary>The same, of a plan that is being made.</summary>
    internal static async Task<StreamSelection> SelectAllAsync(this EventLog events, LogKey log, StreamPlan plan, CancellationToken cancellationToken)
    {
        var survivors = plan.Compact is { } compact ? await events.SelectSurvivorsAsync(log, plan.Since, plan.End, compact.Keep, cancellationToken) : null;
        var first = plan.Priority is { } query ? await events.SelectAsync(log, query, plan.Since, plan.End, cancellationToken) : null;
        return new StreamSelection(survivors is null ? first : first?.And(survivors), survivors);
    }

    /// <summary>The events that come after those that come first, in the log's own order.</summary>
    /// <param name="events">The event log.</param>
    /// <param name="log">Whose.</param>
    /// <param name="plan">The stream's.</param>
    /// <param name="selection">Which come, and which came first.</param>
    /// <param name="after">Events strictly after this position.</param>
    /// <param name="packed">Whether pages may stay as they are stored, or come packed.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public static IAsyncEnumerable<EventPage> ReadRestAsync(
        this EventLog events, LogKey log, StreamPlan plan, StreamSelection selection, Checkpoint after, bool packed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(selection);
        var first = selection.First is { Count: > 0 } some ? some : null;
        if (selection.Survivors is { } survivors)
        {
            var rest = first is null ? survivors : survivors.Without(first);
            return events.ReadSurvivorsAsync(log, rest, after, plan.End, plan.Compact!.Keep, packed, cancellationToken);
        }

        return first is not null ? events.ReadOthersAsync(log, first, after, plan.End, packed, cancellationToken)
            : packed ? events.ReadPackedAsync(log, after, plan.End, cancellationToken)
            : events.ReadAsync(log, after, plan.End, cancellationToken);
    }

    /// <summary>The digest of a stream that was too long to be hashed on its way, by reading it again.</summary>
    public static async Task<string> DigestAsync(this EventLog events, LogKey log, StreamPlan plan, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        ArgumentNullException.ThrowIfNull(plan);
        var selection = await events.SelectAsync(log, plan, cancellationToken);
        using var digest = new EventDigest();
        if (selection.First is { Count: > 0 } first)
        {
            await foreach (var page in events.ReadSelectedAsync(log, first, plan.Since, plan.End, cancellationToken)) digest.Append(page);
        }

        await foreach (var page in events.ReadRestAsync(log, plan, selection, plan.Since, packed: false, cancellationToken)) digest.Append(page);
        return digest.ToString();
    }
}
