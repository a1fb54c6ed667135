using System.Text;

namespace Dequeue.Client.Pushing;

/// <summary>The log that a store's events are meant for: the server stores them in no other. A store of none takes the first that it meets.</summary>
internal sealed class PushLog(ILogStore store, string? epoch)
{
    private string? _epoch = epoch;

    /// <summary>What the body says of it: the epoch, or that it is asked for.</summary>
    public ReadOnlySpan<byte> Field => Encoding.ASCII.GetBytes(_epoch is null ? ",\"epoch\":null" : $",\"epoch\":\"{_epoch}\"");

    /// <summary>The log of a store; null when it does not know such things.</summary>
    public static async ValueTask<PushLog?> OfAsync(IEventStore store, CancellationToken cancellationToken)
        => store is ILogStore known ? new PushLog(known, (await known.LoadMarkAsync(cancellationToken).ConfigureAwait(false)).Epoch) : null;

    /// <summary>The server has stored events, and says where.</summary>
    public async ValueTask MeetAsync(string? epoch, CancellationToken cancellationToken)
    {
        if (_epoch is not null || epoch is null) return;
        _epoch = epoch;
        await store.AdoptAsync(epoch, cancellationToken).ConfigureAwait(false);
    }
}
