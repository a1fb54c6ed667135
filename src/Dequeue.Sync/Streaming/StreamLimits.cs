using Dequeue.Contracts;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Appending;

namespace Dequeue.Sync.Streaming;

/// <summary>How a history is cut into messages and steps.</summary>
public static class StreamLimits
{
    /// <summary>Events of a batch, as clients expect it.</summary>
    public const int MaxBatchEvents = Limits.EventsTogether;

    /// <summary>
    /// Bytes of a batch's events with their commas: a full stored page, so that a page is sent as it is stored. Web PubSub carries
    /// messages of 1 MB; the rest is margin for the message around the events and for the envelope of a subprotocol.
    /// </summary>
    public const int MaxBatchBytes = Folding.MaxPageBytes + MaxBatchEvents;

    /// <summary>Pages that one batch refers to: a message of some 10 KB instead of megabytes, and a checkpoint every 16,000 events.</summary>
    public const int MaxReferences = 16;

    /// <summary>
    /// Bytes of batches that are sent ahead of what a client has acknowledged. Web PubSub has no back-pressure: it lets a client go that
    /// has 16 MB waiting. The rest is margin for newly committed events of a live stream and for the envelopes of a subprotocol.
    /// </summary>
    public const long MaxUnacknowledgedBytes = 12 * 1024 * 1024;

    /// <summary>Batches of one durable step. A durable step costs up to 200 ms in the cloud, sending 20 batches a few seconds:
    /// the step's cost stays small, and a step that is repeated repeats little.</summary>
    public const int WindowBatches = 20;

    /// <summary>Batches of one durable step for a client that wants smaller ones: as many events.</summary>
    /// <param name="batchSize">Most events of a batch, 1 to <see cref="MaxBatchEvents"/>.</param>
    public static int WindowBatchesOf(int batchSize) => WindowBatches * MaxBatchEvents / batchSize;

    /// <summary>Longest that one durable step sends before it reports its position.</summary>
    public static readonly TimeSpan WindowTime = TimeSpan.FromSeconds(10);
}
