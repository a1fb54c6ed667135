using System.Runtime.CompilerServices;
using Dequeue.Contracts.Events;

namespace Dequeue.Client.Live;

/// <summary>A watch with a name: hands out the store's events from the consumer's cursor on.</summary>
/// <param name="consumer">The name.</param>
/// <param name="store">The events and the cursor.</param>
/// <param name="live">What runs behind it and fills the store.</param>
/// <param name="saved">A task that ends with the next save.</param>
/// <param name="time">The clock.</param>
internal sealed class NamedConsumer(string consumer, IConsumerStore store, Func<LiveRun> live, Func<Task> saved, TimeProvider time)
{
    /// <summary>Events that are read at once.</summary>
    private const int PageSize = 256;

    /// <summary>How long the cursor may lag: a write for each event would cost a flush of the disk for each.</summary>
    private static readonly TimeSpan Lag = TimeSpan.FromMilliseconds(100);

    private long _place, _written, _edition, _writtenAt;

    /// <summary>The events. Leaving them early ends it, with the cursor before the event that was handed out last.</summary>
    public async IAsyncEnumerable<SyncEvent> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = live().RunAsync(stop.Token);
        try
        {
            while (true)
            {
                var more = saved();
                var isOver = running.IsCompleted;
                var page = await store.ReadAsync(consumer, PageSize, cancellationToken).ConfigureAwait(false);
                if (page.Events.Count == 0)
                {
                    // What was saved before the end was read after it.
                    if (isOver) await running.ConfigureAwait(false);
                    else await Task.WhenAny(more, running).WaitAsync(cancellationToken).ConfigureAwait(false);
                    continue;
                }

                (_place, _written, _edition, _writtenAt) = (page.Place, page.Place, page.Edition, time.GetTimestamp());
                foreach (var next in page.Events)
                {
                    yield return next;
                    _place++;
                    if (time.GetElapsedTime(_writtenAt) >= Lag && !await WriteAsync(cancellationToken).ConfigureAwait(false)) break;
                }

                await WriteAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await ((Task)running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await WriteAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private async ValueTask<bool> WriteAsync(CancellationToken cancellationToken)
    {
        if (_place == _written) return true;
        (_written, _writtenAt) = (_place, time.GetTimestamp());
        return await store.MoveAsync(consumer, _edition, _place, cancellationToken).ConfigureAwait(false);
    }
}
