namespace Dequeue.Client;

/// <summary>What a sync is doing.</summary>
public enum SyncPhase
{
    /// <summary>Connecting; the total is not known yet.</summary>
    Connecting,

    /// <summary>Events are arriving.</summary>
    Receiving,

    /// <summary>All that <see cref="SyncOptions.Priority"/> asked for is saved: the app can show it. Reported once, at once; the rest
    /// follows.</summary>
    Ready,

    /// <summary>Events are going out.</summary>
    Sending,

    /// <summary>Waiting before the next attempt.</summary>
    Waiting,

    /// <summary>Done.</summary>
    Completed,
}

/// <summary>A report of progress: at most about ten a second, besides the first, the last, and <see cref="SyncPhase.Ready"/>.</summary>
/// <param name="Phase">What is going on.</param>
/// <param name="Processed">Events stored so far (pull) or answered by the server (push).</param>
/// <param name="Total">How many there will be, never less than <paramref name="Processed"/>; null while it is unknown.</param>
/// <param name="EventsPerSecond">The mean rate since the start.</param>
/// <param name="Bytes">Bytes moved so far.</param>
/// <param name="Transport">The way in use.</param>
public readonly record struct SyncProgress(
    SyncPhase Phase, long Processed, long? Total, double EventsPerSecond, long Bytes, SyncTransport Transport)
{
    /// <summary>0 to 1, or null while the total is unknown.</summary>
    public double? Fraction => Total is { } total ? total == 0 ? 1 : (double)Processed / total : null;
}

/// <summary>Thins out reports and works out rates.</summary>
internal sealed class ProgressMeter(IProgress<SyncProgress>? progress, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private readonly long _start = time.GetTimestamp();
    private long? _last;
    private SyncPhase _phase;
    private (SyncPhase Phase, long Processed, long? Total, long Bytes, SyncTransport Transport)? _heldBack;

    public double Seconds => time.GetElapsedTime(_start).TotalSeconds;

    public void Report(SyncPhase phase, long processed, long? total, long bytes, SyncTransport transport)
    {
        if (progress is null) return;
        var changed = phase != _phase && phase is SyncPhase.Ready or SyncPhase.Waiting or SyncPhase.Completed;
        _heldBack = (phase, processed, total, bytes, transport);
        if (!changed && _last is { } last && time.GetElapsedTime(last) < Interval) return;
        Settle();
    }

    /// <summary>Reports what the interval held back. Who ends otherwise than with <see cref="SyncPhase.Completed"/> calls it, so that the last
    /// report tells all that was done.</summary>
    public void Settle()
    {
        if (progress is null || _heldBack is not { } next) return;
        var now = time.GetTimestamp();
        var seconds = time.GetElapsedTime(_start, now).TotalSeconds;
        (_heldBack, _last, _phase) = (null, now, next.Phase);
        progress.Report(new SyncProgress(
            next.Phase, next.Processed, next.Total is { } announced ? Math.Max(announced, next.Processed) : null,
            seconds > 0 ? next.Processed / seconds : 0, next.Bytes, next.Transport));
    }
}
