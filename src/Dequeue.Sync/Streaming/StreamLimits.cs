namespace Dequeue.Sync.Streaming;

/// <summary>How a history is cut into messages and steps.</summary>
public static class StreamLimits
{
    /// <summary>Events of a batch, as clients expect it.</summary>
    public const int MaxBatchEvents = 1000;

    /// <summary>
    /// Bytes of a batch message. Web PubSub carries 1 MB; a JSON subprotocol wraps the message and a binary one there grows by a
    /// third in base64, but plain clients get it as it is, so that 100 KB of margin is enough.
    /// </summary>
    public const int MaxBatchBytes = 900_000;

    /// <summary>Batches of one durable step. A durable step costs up to 200 ms in the cloud, sending 20 batches a few seconds:
    /// the step's cost stays small, and a step that is repeated repeats little.</summary>
    public const int WindowBatches = 20;

    /// <summary>Longest that one durable step sends before it reports its position.</summary>
    public static readonly TimeSpan WindowTime = TimeSpan.FromSeconds(10);
}
