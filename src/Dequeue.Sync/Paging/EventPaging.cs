using Dequeue.Contracts;
using Dequeue.Contracts.Rest;
using Dequeue.Contracts.Streaming;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Reading;

namespace Dequeue.Sync.Paging;

/// <summary>The plain way: one page after another.</summary>
public static class EventPaging
{
    /// <summary>
    /// Bytes of a page's events, 4 MB: a page of 1,000 real events has less than one. Whatever events are like, a reader makes the
    /// server hold no more.
    /// </summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>Reads the page after a checkpoint.</summary>
    /// <param name="events">The event log.</param>
    /// <param name="log">Whose.</param>
    /// <param name="since">Events strictly after this position.</param>
    /// <param name="limit">Events wanted; clamped to 1 … <see cref="PageLimits.Max"/>; null for <see cref="PageLimits.Default"/>.
    /// Fewer come when they are large: together they have at most <see cref="MaxBytes"/>.</param>
    /// <param name="compact">What is left out; null for nothing.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="Storage.StorageUnavailableException">The storage did not answer.</exception>
    public static async Task<PulledPage> PullAsync(
        this EventLog events, LogKey log, Checkpoint since, int? limit, StreamCompact? compact, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        return await events.PullAsync(log, await events.ReadHeadAsync(log, cancellationToken), since, limit, compact, cancellationToken);
    }

    /// <summary>The same, of a log whose end was read before.</summary>
    /// <param name="events">The event log.</param>
    /// <param name="log">Whose.</param>
    /// <param name="head">The log's end.</param>
    /// <param name="since">Events strictly after this position.</param>
    /// <param name="limit">Events wanted.</param>
    /// <param name="compact">What is left out; null for nothing.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="Storage.StorageUnavailableException">The storage did not answer.</exception>
    public static async Task<PulledPage> PullAsync(
        this EventLog events, LogKey log, LogHead head, Checkpoint since, int? limit, StreamCompact? compact, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        ArgumentNullException.ThrowIfNull(head);
        var wanted = Math.Clamp(limit ?? PageLimits.Default, 1, PageLimits.Max);
        var (runs, bytes) = (new Queue<EventPage>(), 0);
        var (position, count) = (Positions.NotPast(since, head), since < head.Last ? (long?)null : head.Count);
        if (since < head.Last)
        {
            var pages = compact is null
                ? events.ReadAsync(log, since, head.Last, wanted, cancellationToken)
                : await SurvivorsAsync(events, log, since, head.Last, compact, cancellationToken);
            await foreach (var page in pages)
            {
                var comma = runs.Count > 0 ? 1 : 0;
                var taken = Math.Min(CountWithin(page, MaxBytes - bytes - comma), wanted - runs.Sum(static run => run.Count));
                if (taken == 0) break;
                var run = taken == page.Count ? page : page.Slice(0, taken);
                runs.Enqueue(run);
                bytes += comma + run.Length;

                // Where some are left out, the last one alone tells how many there are.
                (position, count) = (run.Last, compact is null ? run.Before + run.Count : run.Last == head.Last ? head.Count : null);
                if (taken < page.Count) break;
            }
        }

        return new PulledPage(runs, bytes, position, position < head.Last) { Epoch = head.Epoch, Position = count };
    }

    // The last event of the log always matters, so that the last page always leads to its end.
    private static async Task<IAsyncEnumerable<EventPage>> SurvivorsAsync(
        EventLog events, LogKey log, Checkpoint since, Checkpoint end, StreamCompact compact, CancellationToken cancellationToken)
    {
        var survivors = await events.SelectSurvivorsAsync(log, since, end, compact.Keep, cancellationToken);
        return events.ReadSurvivorsAsync(log, survivors, since, end, compact.Keep, packed: false, cancellationToken);
    }

    // One event is always far smaller than a page.
    private static int CountWithin(EventPage page, int room)
    {
        if (page.Length <= room) return page.Count;
        var (count, bytes) = (0, 0);
        while ((bytes += page.EventAt(count).Length + 1) <= room + 1) count++;
        return count;
    }
}

/// <summary>A page of events.</summary>
/// <param name="Runs">The events, in commit order. Whoever sends them takes them out, so that what is sent is not held.</param>
/// <param name="EventBytes">Bytes of the events, joined by single commas.</param>
/// <param name="NextCheckpoint">The position after the page.</param>
/// <param name="HasMore">Whether the log went on when the page was read.</param>
public sealed record PulledPage(Queue<EventPage> Runs, int EventBytes, Checkpoint NextCheckpoint, bool HasMore)
{
    /// <summary>The log's epoch, when it is known.</summary>
    public string? Epoch { get; init; }

    /// <summary>Events of the log up to <see cref="NextCheckpoint"/>; null when nothing was read that tells.</summary>
    public long? Position { get; init; }
}
