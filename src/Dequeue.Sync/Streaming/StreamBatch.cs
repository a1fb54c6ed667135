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

    /// <summary>Whether no more of them follow.</summary>
    public bool IsPriorityEnd { get; init; }

    /// <summary>Pages that the client fetches by itself, instead of events: up to <see cref="StreamLimits.MaxReferences"/>.</summary>
    public IReadOnlyList<PageReference> References { get; init; } = [];

    /// <summary>Events of the batch.</summary>
    public int Count => Runs.Sum(run => run.Count) + References.Sum(page => page.Count);

    /// <summary>The commit position of the last event.</summary>
    public Checkpoint LastEvent => References.Count > 0 ? References[^1].Checkpoint : Runs[^1].Last;
}
