namespace Dequeue.Functions.Streaming;

/// <summary>What a stream does next: the one rule, for a stream that is sent at once and for a durable one.</summary>
public abstract record StreamStep
{
    private StreamStep()
    {
    }

    /// <summary>The next step of a stream.</summary>
    /// <param name="progress">How far it has come, with the acknowledgements that have come.</param>
    /// <param name="isWaiting">Whether it waits for acknowledgements already: then it sends again when enough room is free, not when any is.</param>
    public static StreamStep After(StreamProgress progress, bool isWaiting)
    {
        ArgumentNullException.ThrowIfNull(progress);
        if (progress.IsSent || progress.HasGone) return new Complete();
        var window = progress.Window;
        if (window.IsMissing) return new Fail(StreamFailure.WindowRequired(progress));
        return window.Room > 0 && (!isWaiting || window.HasRoomAgain) ? new Send() : new Wait();
    }

    /// <summary>Sends a window of batches.</summary>
    public sealed record Send : StreamStep;

    /// <summary>Waits for an acknowledgement.</summary>
    public sealed record Wait : StreamStep;

    /// <summary>Ends: every event was sent, or there is nobody to send to.</summary>
    public sealed record Complete : StreamStep;

    /// <summary>Ends with an error.</summary>
    public sealed record Fail(StreamFailure Failure) : StreamStep;
}
