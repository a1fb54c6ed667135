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

    public double Seconds => time.GetElapsedTime(_start).TotalSeconds;

    public void Report(SyncPhase phase, long processed, long? total, long bytes, SyncTransport transport)
    {
        if (progress is null) return;
        var now = time.GetTimestamp();
        var changed = phase != _phase && phase is SyncPhase.Ready or SyncPhase.Waiting or SyncPhase.Completed;
        if (_last is { } last && !changed && time.GetElapsedTime(last, now) < Interval) return;
        _last = now;
        _phase = phase;
        var seconds = time.GetElapsedTime(_start, now).TotalSeconds;
        progress.Report(new SyncProgress(
            phase, processed, total is { } announced ? Math.Max(announced, processed) : null, seconds > 0 ? processed / seconds : 0, bytes, transport));
    }
}
