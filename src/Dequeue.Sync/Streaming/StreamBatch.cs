using System.Runtime.CompilerServices;
using Dequeue.Contracts;
using Dequeue.Sync.Log;

namespace Dequeue.Sync.Streaming;

/// <summary>One batch of a stream: runs of stored events, spliced into the message as they are.</summary>
/// <param name="Index">0, 1, 2 …</param>
/// <param name="IsLast">True on the final batch alone.</param>
/// <param name="Runs">The events, in commit order.</param>
public sealed record StreamBatch(int Index, bool IsLast, IReadOnlyList<EventPage> Runs)
{
    /// <summary>Events of the batch.</summary>
    public int Count => Runs.Sum(run => run.Count);

    /// <summary>The position after the batch.</summary>
    public Checkpoint Checkpoint => Runs[^1].Last;

    /// <summary>
    /// Cuts pages into batches: by bytes first, then by count. A full stored page is exactly one batch; small pages share one.
    /// </summary>
    /// <param name="pages">The pages, in order, none of it past <paramref name="end"/>.</param>
    /// <param name="end">The position that the final batch reaches.</param>
    /// <param name="firstIndex">The index of the first batch.</param>
    /// <param name="maxEvents">Events of a batch, at least 1.</param>
    /// <param name="maxBytes">Bytes of a batch's events with their commas. A single larger event is a batch of its own.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public static async IAsyncEnumerable<StreamBatch> CutAsync(
        IAsyncEnumerable<EventPage> pages,
        Checkpoint end,
        int firstIndex,
        int maxEvents = StreamLimits.MaxBatchEvents,
        int maxBytes = StreamLimits.MaxBatchBytes,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pages);
        var (index, runs, events, bytes) = (firstIndex, new List<EventPage>(), 0, 0);
        await foreach (var page in pages.WithCancellation(cancellationToken))
        {
            // A page that would fit a batch of its own is kept whole: it is sent as it is stored.
            var splits = page.Count > maxEvents || page.Length >= maxBytes;
            if (runs.Count > 0 && !splits && (page.Count > maxEvents - events || page.Length >= maxBytes - bytes)) yield return Batch(isLast: false);

            for (var rest = page; rest is not null;)
            {
                var taken = Fitting(rest, maxEvents - events, maxBytes - bytes);
                if (taken == 0 && events == 0) taken = 1;
                if (taken == 0)
                {
                    yield return Batch(isLast: false);
                    continue;
                }

                var run = taken == rest.Count ? rest : rest.Slice(0, taken);
                runs.Add(run);
                (events, bytes) = (events + taken, bytes + run.Length + 1);
                rest = taken == rest.Count ? null : rest.Slice(taken, rest.Count - taken);
            }

            // A full batch goes out at once: the client works on it while the next page is read.
            if (page.Last >= end) yield return Batch(isLast: true);
            else if (events >= maxEvents || bytes >= maxBytes) yield return Batch(isLast: false);
        }

        StreamBatch Batch(bool isLast)
        {
            var batch = new StreamBatch(index++, isLast, runs);
            (runs, events, bytes) = ([], 0, 0);
            return batch;
        }
    }

    private static int Fitting(EventPage page, int events, int bytes)
    {
        if (page.Count <= events && page.Length <= bytes) return page.Count;
        var (fitting, used) = (0, 0);
        while (fitting < Math.Min(page.Count, events) && (used += page.EventAt(fitting).Length + 1) <= bytes) fitting++;
        return fitting;
    }
}
