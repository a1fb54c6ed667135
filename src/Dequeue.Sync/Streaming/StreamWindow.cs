namespace Dequeue.Sync.Streaming;

/// <summary>
/// What is on its way to a client that has not said that it took it, and how much more may follow. The rules of flow control; a value, of
/// which each change gives another.
/// </summary>
/// <param name="Batches">Most batches ahead of the last acknowledged one; null for a client that acknowledges nothing.</param>
/// <param name="Sent">Batches sent.</param>
/// <param name="Acknowledged">Of them acknowledged, from the first one on.</param>
/// <param name="Ahead">The bytes of each batch that was sent and not acknowledged; of a client that acknowledges nothing their sum.</param>
public readonly record struct StreamWindow(int? Batches, int Sent, int Acknowledged, IReadOnlyList<long> Ahead)
{
    /// <summary>Bytes that the client may still have to take.</summary>
    public long AheadBytes => Ahead.Sum();

    /// <summary>Whether no more may be sent to a client that asked for no window: it cannot say what it has taken.</summary>
    public bool IsMissing => Batches is null && AheadBytes >= StreamLimits.MaxUnacknowledgedBytes;

    /// <summary>Batches that may be sent before the next acknowledgement.</summary>
    public int Room
        => AheadBytes >= StreamLimits.MaxUnacknowledgedBytes ? 0 : Batches is { } batches ? batches - (Sent - Acknowledged) : int.MaxValue;

    /// <summary>
    /// Whether enough room is free for another step, once there was none: half the window, so that a durable step sends several batches
    /// and the client has the other half to work on meanwhile, and never more than one step sends; and half of the bytes.
    /// </summary>
    public bool HasRoomAgain
        => Batches is not { } batches
            || (Room >= Math.Min((batches + 1) / 2, StreamLimits.WindowBatches) && AheadBytes <= StreamLimits.MaxUnacknowledgedBytes / 2);

    /// <summary>The window after an acknowledgement. One that says nothing new, or is of a batch that was never sent, changes nothing.</summary>
    /// <param name="batchIndex">The last batch that the client has processed.</param>
    public StreamWindow Acknowledge(int batchIndex)
        => batchIndex >= Acknowledged && batchIndex < Sent
            ? this with { Acknowledged = batchIndex + 1, Ahead = [.. Ahead.Skip(batchIndex + 1 - Acknowledged)] }
            : this;

    /// <summary>The window after a batch of so many bytes.</summary>
    public StreamWindow Send(long bytes) => this with { Sent = Sent + 1, Ahead = Batches is null ? [AheadBytes + bytes] : [.. Ahead, bytes] };
}
