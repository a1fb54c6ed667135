using System.Buffers;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming.Deltas;
using Dequeue.Sync.Log.Entities;

namespace Dequeue.Sync.Log.Compaction;

/// <summary>What decides whether an event still matters once later ones are known.</summary>
/// <param name="Kind">What it says of an entity.</param>
/// <param name="Entity">Kind and id of the entity, hashed; default when it has none.</param>
/// <param name="Timestamp">The device's time in ticks; 0 when it has no entity.</param>
internal readonly record struct EventMark(MarkKind Kind, EntityKey Entity, long Timestamp)
{
    /// <summary>Longest kind and id that are hashed on the stack; longer ones are rare.</summary>
    private const int StackBytes = Limits.EntityIdBytes;

    /// <summary>Reads an event. One whose entity two readers could take for different ones, or without a readable time, has none: it is
    /// never left out, and nothing is left out for it.</summary>
    /// <param name="json">The event, minified.</param>
    public static EventMark Of(ReadOnlySpan<byte> json) => Of(EventSubject.Of(json));

    /// <summary>The same, of an event that was read already.</summary>
    public static EventMark Of(in EventSubject subject)
        => subject is { HasEntity: true, IsAmbiguous: false } && Checkpoint.TryParse(subject.Timestamp, out var time)
            ? new EventMark(subject.HasState ? MarkKind.State : MarkKind.Entity, KeyOf(subject.Kind, subject.Id), time.Ticks)
            : default;

    // Kind and id, parted by what neither can hold: a quote that is not escaped.
    private static EntityKey KeyOf(ReadOnlySpan<byte> kind, ReadOnlySpan<byte> id)
    {
        var length = kind.Length + 1 + id.Length;
        var rented = length > StackBytes ? ArrayPool<byte>.Shared.Rent(length) : null;
        var text = rented is null ? stackalloc byte[StackBytes] : rented;
        kind.CopyTo(text);
        text[kind.Length] = (byte)'"';
        id.CopyTo(text[(kind.Length + 1)..]);
        var key = EntityKey.Of(text[..length]);
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        return key;
    }
}

/// <summary>What an event says of an entity. The numbers are stored.</summary>
internal enum MarkKind
{
    /// <summary>It has no entity.</summary>
    None = 0,

    /// <summary>It is about an entity, and brings no state of it.</summary>
    Entity = 1,

    /// <summary>It brings the whole state of an entity.</summary>
    State = 2,
}
