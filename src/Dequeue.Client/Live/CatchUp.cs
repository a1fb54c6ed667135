using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Dequeue.Contracts.Events;

namespace Dequeue.Client.Live;

/// <summary>Runs a pull, given a sink for what is new, and hands its events out as they are saved.</summary>
internal delegate Task Pull(Func<IReadOnlyList<SyncEvent>, CancellationToken, ValueTask> onAdded, CancellationToken cancellationToken);

/// <summary>One pull inside a watch.</summary>
internal sealed class CatchUp(Pull pull)
{
    /// <summary>Batches that the pull may be ahead of the caller.</summary>
    private const int Ahead = 4;

    /// <summary>Why the pull failed, or null; known once the events have come to their end.</summary>
    public SyncFailure? Failure { get; private set; }

    /// <summary>The new events. Leaving them early ends the pull.</summary>
    public async IAsyncEnumerable<SyncEvent> EventsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var batches = Channel.CreateBounded<IReadOnlyList<SyncEvent>>(new BoundedChannelOptions(Ahead) { SingleReader = true, SingleWriter = true });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pulling = PullAsync(batches.Writer, stop.Token);
        try
        {
            await foreach (var batch in batches.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                foreach (var next in batch) yield return next;
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await pulling.ConfigureAwait(false);
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    private async Task PullAsync(ChannelWriter<IReadOnlyList<SyncEvent>> batches, CancellationToken cancellationToken)
    {
        Exception? bug = null;
        try
        {
            await pull((added, token) => batches.WriteAsync(added, token), cancellationToken).ConfigureAwait(false);
        }
        catch (SyncFailedException e)
        {
            Failure = e.Failure;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The caller left; it does not read on.
        }
#pragma warning disable CA1031 // Handed to the reader, who throws it on.
        catch (Exception e)
#pragma warning restore CA1031
        {
            bug = e;
        }

        batches.Complete(bug);
    }
}
