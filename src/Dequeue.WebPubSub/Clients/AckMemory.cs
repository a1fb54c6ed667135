namespace Dequeue.WebPubSub.Clients;

/// <summary>
/// The ids of a connection's requests that succeeded, so that one repeated after a drop is not carried out twice. Requests of
/// an old socket and its successor may meet here.
/// </summary>
internal sealed class AckMemory
{
    /// <summary>Ids remembered, as in Microsoft's emulator.</summary>
    public const int Capacity = 1000;

    private readonly Lock _gate = new();
    private readonly HashSet<ulong> _known = [];
    private readonly Queue<ulong> _order = new();

    /// <summary>True when the request has succeeded before.</summary>
    public bool Contains(ulong ackId)
    {
        lock (_gate) return _known.Contains(ackId);
    }

    /// <summary>Remembers a request that succeeded; the oldest is forgotten.</summary>
    public void Add(ulong ackId)
    {
        lock (_gate)
        {
            if (!_known.Add(ackId)) return;
            _order.Enqueue(ackId);
            if (_order.Count > Capacity) _known.Remove(_order.Dequeue());
        }
    }
}
