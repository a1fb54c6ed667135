using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Dequeue.Functions.Http;
using Dequeue.Sync.Streaming;

namespace Dequeue.Functions.Streaming;

/// <summary>What ends a stream that cannot go on.</summary>
/// <param name="Target">Where the stream went.</param>
/// <param name="Code">One of <see cref="ErrorCodes"/>.</param>
/// <param name="Text">For people.</param>
/// <param name="ResumeAt">Where a client that asks again goes on; null when it knows best.</param>
/// <param name="Window">The window that it needs; null when it may ask as before.</param>
public sealed record StreamFailure(StreamTarget Target, string Code, string Text, Checkpoint? ResumeAt = null, int? Window = null)
{
    /// <summary>The log's epoch, for a client whose store is of another history.</summary>
    public string? Epoch { get; init; }

    /// <summary>The log's events, for the same.</summary>
    public long? EventCount { get; init; }

    /// <summary>The answer to a client whose store and log are not one history.</summary>
    public static StreamFailure OtherHistory(StreamTarget target, StreamPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return new StreamFailure(target, ErrorCodes.HistoryChanged, Problems.OtherHistory) { Epoch = plan.Epoch, EventCount = plan.EndPosition };
    }

    /// <summary>The end of a stream that nobody acknowledges.</summary>
    public static StreamFailure WindowRequired(StreamProgress progress)
    {
        ArgumentNullException.ThrowIfNull(progress);
        var options = progress.Target.Options;
        var window = StreamWindows.Of(options.Encoding is null ? StreamWindows.Plain : StreamWindows.Compressed, options.BatchSize);
        return new StreamFailure(
            progress.Target,
            ErrorCodes.StreamTimeout,
            $"{progress.Window.AheadBytes / (1024 * 1024)} MB are on their way and none was acknowledged. Ask again from the checkpoint, with a window.",
            progress.ResumeAt,
            window);
    }
}
