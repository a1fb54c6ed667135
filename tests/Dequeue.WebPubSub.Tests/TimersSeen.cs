using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;

namespace Dequeue.WebPubSub.Tests;

/// <summary>A clock that only a test moves, and that says which waits have begun: to move it sooner is a race.</summary>
internal sealed class TimersSeen() : FakeTimeProvider(System.GetUtcNow())
{
    private readonly Channel<TimeSpan> _begun = Channel.CreateUnbounded<TimeSpan>();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        _begun.Writer.TryWrite(dueTime);
        return timer;
    }

    /// <summary>Returns once something waits for <paramref name="dueTime"/>; other waits are passed over.</summary>
    public async Task BegunAsync(TimeSpan dueTime, CancellationToken cancellationToken)
    {
        while (await _begun.Reader.ReadAsync(cancellationToken) != dueTime);
    }
}
