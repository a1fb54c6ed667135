namespace Dequeue.Functions.Http;

/// <summary>
/// Ends a transfer whose other side is too slow, be it to send or to take: after ten seconds of grace, a second for each 8 KB that
/// have passed. A phone on the edge of its network does that; who holds a connection to hold memory does not.
/// </summary>
internal sealed class Pace : IDisposable
{
    private const int BytesPerSecond = 8 * 1024;

    /// <summary>Longer than a lost packet or a change of the network takes.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private readonly TimeProvider _clock;
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _end;
    private readonly CancellationTokenRegistration _registration;
    private readonly long _began;

    /// <summary>Begins to measure.</summary>
    public Pace(TimeProvider clock, CancellationToken caller)
    {
        (_clock, _caller, _began) = (clock, caller, clock.GetTimestamp());
        _end = new CancellationTokenSource(Grace, clock);
        _registration = caller.UnsafeRegister(static end => ((CancellationTokenSource)end!).Cancel(), _end);
    }

    /// <summary>Cancelled when the other side is too slow, or the caller has gone.</summary>
    public CancellationToken Token => _end.Token;

    /// <summary>Whether it was the pace that ended it.</summary>
    public bool IsTooSlow => _end.IsCancellationRequested && !_caller.IsCancellationRequested;

    /// <summary>So many bytes have passed in all.</summary>
    public void Passed(long bytes)
    {
        var left = Grace + TimeSpan.FromSeconds((double)bytes / BytesPerSecond) - _clock.GetElapsedTime(_began);
        if (left > TimeSpan.Zero) _end.CancelAfter(left);
        else _end.Cancel();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _registration.Dispose();
        _end.Dispose();
    }
}
