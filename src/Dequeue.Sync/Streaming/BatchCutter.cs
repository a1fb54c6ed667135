using System.Runtime.CompilerServices;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Dequeue.Sync.Log;

namespace Dequeue.Sync.Streaming;

/// <summary>
/// Cuts pages into batches: by bytes first, then by count. A full stored page is exactly one batch; small pages share one. Pages that are
/// fetched from elsewhere have batches of their own. Not thread-safe.
/// </summary>
/// <param name="firstIndex">The index of the first batch.</param>
/// <param name="remaining">Events that the stream has yet to send: the batch that sends the last of them is the last one.</param>
public sealed class BatchCutter(int firstIndex, long remaining)
{
    private List<EventPage> _runs = [];
    private List<PageReference> _references = [];
    private int _index = firstIndex, _events, _bytes;
    private long _remaining = remaining;

    /// <summary>Events of a batch, at least 1.</summary>
    public int MaxEvents { get; init; } = StreamLimits.MaxBatchEvents;

    /// <summary>Bytes of a batch's events with their commas. A single larger event is a batch of its own.</summary>
    public int MaxBytes { get; init; } = StreamLimits.MaxBatchBytes;

    /// <summary>For batches of entities that come first: the position that the stream began with, where their clients stay. Null for others.</summary>
    public Checkpoint? PriorityCheckpoint { get; init; }

    /// <summary>Cuts pages as they are read.</summary>
    /// <param name="pages">The pages, in order.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public async IAsyncEnumerable<StreamBatch> CutAsync(
        IAsyncEnumerable<EventPage> pages, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pages);
        await foreach (var page in pages.WithCancellation(cancellationToken))
        {
            foreach (var batch in Add(page)) yield return batch;
        }

        if (_events > 0) yield return Batch();
    }

    /// <summary>Cuts one page.</summary>
    public IEnumerable<StreamBatch> Cut(EventPage page)
    {
        foreach (var batch in Add(page)) yield return batch;
        if (_events > 0) yield return Batch();
    }

    private IEnumerable<StreamBatch> Add(EventPage page)
    {
        if (page.Reference is { } reference)
        {
            if (_runs.Count > 0) yield return Batch();
            _references.Add(reference);
            _events += page.Count;
            if (_events == _remaining || _references.Count == StreamLimits.MaxReferences) yield return Batch();
            yield break;
        }

        if (_references.Count > 0) yield return Batch();

        // A page that would fit a batch of its own is kept whole: it is sent as it is stored.
        var splits = page.Count > MaxEvents || page.Length >= MaxBytes;
        if (_runs.Count > 0 && !splits && (page.Count > MaxEvents - _events || page.Length >= MaxBytes - _bytes)) yield return Batch();

        for (var rest = splits ? page.Unpack() : page; rest is not null;)
        {
            var taken = Fitting(rest, MaxEvents - _events, MaxBytes - _bytes);
            if (taken == 0 && _events == 0) taken = 1;
            if (taken == 0)
            {
                yield return Batch();
                continue;
            }

            var run = taken == rest.Count ? rest : rest.Slice(0, taken);
            _runs.Add(run);
            (_events, _bytes) = (_events + taken, _bytes + run.Length + 1);
            rest = taken == rest.Count ? null : rest.Slice(taken, rest.Count - taken);
        }

        // A full batch goes out at once: the client works on it while the next page is read.
        if (_events == _remaining || _events >= MaxEvents || _bytes >= MaxBytes) yield return Batch();
    }

    private StreamBatch Batch()
    {
        _remaining -= _events;
        var batch = new StreamBatch(_index++, _remaining == 0, _runs, default) { References = _references, IsPriority = PriorityCheckpoint is not null };
        (_runs, _references, _events, _bytes) = ([], [], 0, 0);
        return batch with { Checkpoint = PriorityCheckpoint ?? batch.LastEvent };
    }

    private static int Fitting(EventPage page, int events, int bytes)
    {
        if (page.Count <= events && page.Length <= bytes) return page.Count;
        var (fitting, used) = (0, 0);
        while (fitting < Math.Min(page.Count, events) && (used += page.EventAt(fitting).Length + 1) <= bytes) fitting++;
        return fitting;
    }
}
