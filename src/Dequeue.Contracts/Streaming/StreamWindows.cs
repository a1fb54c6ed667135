namespace Dequeue.Contracts.Streaming;

/// <summary>How large a window a client asks for, and when it acknowledges.</summary>
/// <remarks>
/// About 5 MB are on the way: enough that a fast link never waits for a durable step, which may take 0.3 s, and a third of what Web
/// PubSub holds before it lets a slow client go.
/// </remarks>
public static class StreamWindows
{
    /// <summary>The window for compressed batches of 1,000 events, of about 80 KB each.</summary>
    public const int Compressed = 64;

    /// <summary>The window for plain batches of 1,000 events, of about 570 KB each.</summary>
    public const int Plain = 16;

    /// <summary>
    /// Bytes of batches after which a client acknowledges, though less than a quarter of its window has come: the server also counts
    /// bytes, and batches that hardly compress have ten times those of others.
    /// </summary>
    public const int AckBytes = 1024 * 1024;

    /// <summary>Time after which a client acknowledges what it has: on a slow link a quarter of a window takes longer than a server waits.</summary>
    public static readonly TimeSpan AckInterval = TimeSpan.FromSeconds(2);

    /// <summary>The window for what a client asks for.</summary>
    /// <param name="encodings">The encodings that it takes.</param>
    /// <param name="batchSize">Most events of a batch.</param>
    public static int For(IReadOnlyList<string> encodings, int batchSize)
        => Of(BatchEncodings.Choose(encodings) is null ? Plain : Compressed, batchSize);

    /// <summary>As many events in smaller batches.</summary>
    /// <param name="fullBatches">The window for batches of 1,000.</param>
    /// <param name="batchSize">Most events of a batch, 1 to 1,000.</param>
    public static int Of(int fullBatches, int batchSize)
        => (int)Math.Min((long)fullBatches * StreamRequest.MaxBatchSize / batchSize, StreamRequest.MaxWindow);

    /// <summary>Batches that a client has to acknowledge when nothing else tells it to: a quarter of its window.</summary>
    /// <param name="window">The window, at least 1.</param>
    public static int AckEvery(int window) => (window + 3) / 4;
}
