using Dequeue.Contracts;
using Dequeue.Contracts.Events;

namespace Dequeue.Client.Tests.Servers;

/// <summary>Notes what a store is asked to save, and can call out after so many saves.</summary>
internal sealed class RecordingStore(IEventStore? store = null, int afterSaves = int.MaxValue, Action? then = null) : IEventStore
{
    private readonly IEventStore _inner = store ?? new InMemoryEventStore();
    private int _saves;

    public InMemoryEventStore Inner => (InMemoryEventStore)_inner;

    public List<Checkpoint> Checkpoints { get; } = [];

    /// <summary>Events received, known or not.</summary>
    public int Received { get; private set; }

    public ValueTask<StorePosition> LoadAsync(CancellationToken cancellationToken) => _inner.LoadAsync(cancellationToken);

    public async ValueTask<IReadOnlyList<SyncEvent>> SaveAsync(
        IReadOnlyList<SyncEvent> events, Checkpoint? checkpoint, CancellationToken cancellationToken)
    {
        var added = await _inner.SaveAsync(events, checkpoint, cancellationToken);
        Received += events.Count;
        if (checkpoint is { } at) Checkpoints.Add(at);
        if (++_saves == afterSaves) then!();
        return added;
    }

    public ValueTask<IReadOnlyList<SyncEvent>?> ReplaceAsync(IReadOnlyList<Replacement> parts, Checkpoint checkpoint, CancellationToken cancellationToken)
        => _inner.ReplaceAsync(parts, checkpoint, cancellationToken);

    public ValueTask<string?> DigestAsync(long first, long count, CancellationToken cancellationToken) => _inner.DigestAsync(first, count, cancellationToken);

    public ValueTask RewindAsync(StorePosition position, CancellationToken cancellationToken) => _inner.RewindAsync(position, cancellationToken);
}
