using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Dequeue.Contracts.Events;

namespace Dequeue.Client.Live;

/// <summary>A watch without a name: hands out what is saved while it runs.</summary>
/// <param name="live">What runs behind it, given a sink for what is new.</param>
internal sealed class UnnamedConsumer(Func<Func<IReadOnlyList<SyncEvent>, CancellationToken, ValueTask>, LiveRun> live)
{
    /// <summary>Batches that may be saved ahead of the consumer.</summary>
    private const int Ahead = 4;

    /// <summary>The events. Leaving them early ends it.</summary>
    public async IAsyncEnumerable<SyncEvent> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var batches = Channel.CreateBounded<IReadOnlyList<SyncEvent>>(
            new BoundedChannelOptions(Ahead) { SingleReader = true, SingleWriter = true });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = FillAsync(batches.Writer, stop.Token);
        try
        {
            await foreach (var batch in batches.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                // Lets go of the consumer's thread between two batches, however many wait.
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
                foreach (var next in batch) yield return next;
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await running.ConfigureAwait(false);
        }
    }

    private async Task FillAsync(ChannelWriter<IReadOnlyList<SyncEvent>> batches, CancellationToken cancellationToken)
    {
        Exception? end = null;
        try
        {
            await live((added, token) => batches.WriteAsync(added, token)).RunAsync(cancellationToken).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Handed to the consumer, who throws it on.
        catch (Exception e)
#pragma warning restore CA1031
        {
            end = e;
        }

        batches.Complete(end);
    }
}
