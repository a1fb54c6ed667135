using System.Runtime.CompilerServices;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Dequeue.Sync.Log;

namespace Dequeue.Sync.Streaming;

/// <summary>One batch of a stream: runs of stored events, spliced into the message as they are.</summary>
/// <param name="Index">0, 1, 2 …</param>
/// <param name="IsLast">True on the final batch alone.</param>
/// <param name="Runs">The events, in commit order; none when there are <see cref="References"/>.</param>
/// <param name="Checkpoint">The position after the batch.</param>
public sealed record StreamBatch(int Index, bool IsLast, IReadOnlyList<EventPage> Runs, Checkpoint Checkpoint)
{
    /// <summary>Whether it brings the entities that were asked for first.</summary>
    public bool IsPriority { get; init; }

    /// <summary>Pages that the client fetches by itself, instead of events: up to <see cref="StreamLimits.MaxReferences"/>.</summary>
    public IReadOnlyList<PageReference> References { get; init; } = [];

    /// <summary>Events of the batch.</summary>
    public int Count => Runs.Sum(run => run.Count) + References.Sum(page => page.Count);

    /// <summary>The commit position of the last event.</summary>
    public Checkpoint LastEvent => References.Count > 0 ? References[^1].Checkpoint : Runs[^1].Last;

    /// <summary>
    /// Cuts pages into batches: by bytes first, then by count. A full stored page is exactly one batch; small pages share one. Pages
    /// that are fetched from elsewhere have batches of their own.
    /// </summary>
    /// <param name="pages">The pages, in order.</param>
    /// <param name="cut">How.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public static async IAsyncEnumerable<StreamBatch> CutAsync(
        IAsyncEnumerable<EventPage> pages, BatchCut cut, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pages);
        ArgumentNullException.ThrowIfNull(cut);
        var (maxEvents, maxBytes) = (cut.MaxEvents, cut.MaxBytes);
        var (index, remaining) = (cut.FirstIndex, cut.Remaining);
        var (runs, events, bytes) = (new List<EventPage>(), 0, 0);
        var references = new List<PageReference>();
        await foreach (var page in pages.WithCancellation(cancellationToken))
        {
            if (page.Reference is { } reference)
            {
                if (runs.Count > 0) yield return Batch();
                references.Add(reference);
                events += page.Count;
                if (events == remaining || references.Count == StreamLimits.MaxReferences) yield return Batch();
                continue;
            }

            if (references.Count > 0) yield return Batch();

            // A page that would fit a batch of its own is kept whole: it is sent as it is stored.
            var splits = page.Count > maxEvents || page.Length >= maxBytes;
            if (runs.Count > 0 && !splits && (page.Count > maxEvents - events || page.Length >= maxBytes - bytes)) yield return Batch();

            for (var rest = splits ? page.Unpack() : page; rest is not null;)
            {
                var taken = Fitting(rest, maxEvents - events, maxBytes - bytes);
                if (taken == 0 && events == 0) taken = 1;
                if (taken == 0)
                {
                    yield return Batch();
                    continue;
                }

                var run = taken == rest.Count ? rest : rest.Slice(0, taken);
                runs.Add(run);
                (events, bytes) = (events + taken, bytes + run.Length + 1);
                rest = taken == rest.Count ? null : rest.Slice(taken, rest.Count - taken);
            }

            // A full batch goes out at once: the client works on it while the next page is read.
            if (events == remaining || events >= maxEvents || bytes >= maxBytes) yield return Batch();
        }

        if (events > 0) yield return Batch();

        StreamBatch Batch()
        {
            remaining -= events;
            var batch = new StreamBatch(index++, remaining == 0, runs, default) { References = references, IsPriority = cut.PriorityCheckpoint is not null };
            (runs, references, events, bytes) = ([], [], 0, 0);
            return batch with { Checkpoint = cut.PriorityCheckpoint ?? batch.LastEvent };
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

/// <summary>How events are cut into batches.</summary>
/// <param name="FirstIndex">The index of the first batch.</param>
/// <param name="Remaining">Events that the stream has yet to send: the batch that sends the last of them is the last one.</param>
public sealed record BatchCut(int FirstIndex, long Remaining)
{
    /// <summary>Events of a batch, at least 1.</summary>
    public int MaxEvents { get; init; } = StreamLimits.MaxBatchEvents;

    /// <summary>Bytes of a batch's events with their commas. A single larger event is a batch of its own.</summary>
    public int MaxBytes { get; init; } = StreamLimits.MaxBatchBytes;

    /// <summary>For batches of entities that come first: the position that the stream began with, where their clients stay. Null for others.</summary>
    public Checkpoint? PriorityCheckpoint { get; init; }
}
