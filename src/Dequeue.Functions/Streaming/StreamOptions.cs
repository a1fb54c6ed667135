using Dequeue.Contracts.Streaming;

namespace Dequeue.Functions.Streaming;

/// <summary>What a stream's client asked for, as far as the server goes along. Travels in durable history.</summary>
/// <param name="Encoding">The encoding of the batches, one of <see cref="BatchEncodings"/>, or null for plain JSON.</param>
/// <param name="IsLive">Whether newly committed events follow after the stream.</param>
/// <param name="Window">Most batches ahead of the last acknowledged one; null for no bound.</param>
/// <param name="BatchSize">Most events of a batch.</param>
/// <param name="Delta">Whether an entity's state may come as a patch.</param>
/// <param name="References">Whether pages of a large history may come as URLs.</param>
/// <param name="Priority">The entities whose events come first; null for the log's own order.</param>
/// <param name="Compact">What is left out; null for nothing.</param>
/// <param name="TellsPosition">Whether the client is told how many events of the log it holds at the end: it says such things itself.</param>
public sealed record StreamOptions(
    string? Encoding = null,
    bool IsLive = false,
    int? Window = null,
    int BatchSize = StreamRequest.MaxBatchSize,
    bool Delta = false,
    bool References = false,
    StreamPriority? Priority = null,
    StreamCompact? Compact = null,
    bool TellsPosition = false)
{
    /// <summary>The options of a request.</summary>
    public static StreamOptions Of(StreamRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return new StreamOptions(
            BatchEncodings.Choose(request.Encodings), request.Live, request.Window, request.BatchSize, request.Delta, request.References,
            request.Priority, request.Compact, request.Live || !request.Claim.IsEmpty);
    }
}
