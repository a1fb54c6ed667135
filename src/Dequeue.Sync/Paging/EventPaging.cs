using Dequeue.Contracts;
using Dequeue.Contracts.Rest;
using Dequeue.Sync.Log;

namespace Dequeue.Sync.Paging;

/// <summary>The plain way: one page after another.</summary>
public static class EventPaging
{
    /// <summary>Reads the page after a checkpoint.</summary>
    /// <param name="events">The event log.</param>
    /// <param name="log">Whose.</param>
    /// <param name="since">Events strictly after this position.</param>
    /// <param name="limit">Events wanted; clamped to 1 … <see cref="PageLimits.Max"/>; null for <see cref="PageLimits.Default"/>.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="Storage.StorageUnavailableException">The storage did not answer.</exception>
    public static async Task<PulledPage> PullAsync(
        this EventLog events, LogKey log, Checkpoint since, int? limit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        var wanted = Math.Clamp(limit ?? PageLimits.Default, 1, PageLimits.Max);
        var head = await events.ReadHeadAsync(log, cancellationToken);
        var runs = new List<EventPage>();
        var position = Positions.NotPast(since, head);
        if (since < head.Last)
        {
            await foreach (var page in events.ReadAsync(log, since, head.Last, wanted, cancellationToken))
            {
                runs.Add(page);
                position = page.Last;
            }
        }

        return new PulledPage(runs, position, position < head.Last);
    }
}

/// <summary>A page of events.</summary>
/// <param name="Runs">The events, in commit order.</param>
/// <param name="NextCheckpoint">The position after the page.</param>
/// <param name="HasMore">Whether the log went on when the page was read.</param>
public sealed record PulledPage(IReadOnlyList<EventPage> Runs, Checkpoint NextCheckpoint, bool HasMore);
