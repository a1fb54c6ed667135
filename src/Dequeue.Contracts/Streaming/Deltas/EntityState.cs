namespace Dequeue.Contracts.Streaming.Deltas;

/// <summary>Whose state an event brings, and where in its text: see <see cref="EventSubject"/>.</summary>
internal readonly ref struct EntityState
{
    private EntityState(EventSubject subject)
    {
        Kind = subject.Kind;
        Id = subject.Id;
        State = subject.State;
    }

    /// <summary>What kind of entity it is, such as <c>task</c>, as it is spelled.</summary>
    public ReadOnlySpan<byte> Kind { get; }

    /// <summary>Its id, as it is spelled.</summary>
    public ReadOnlySpan<byte> Id { get; }

    /// <summary>Where its state stands in the event.</summary>
    public Range State { get; }

    /// <summary>Finds the state in an event.</summary>
    /// <returns>False when the event has no entity, or no state of it.</returns>
    public static bool TryFind(ReadOnlySpan<byte> json, out EntityState found)
    {
        var subject = EventSubject.Of(json);
        found = subject is { HasEntity: true, HasState: true } ? new EntityState(subject) : default;
        return subject is { HasEntity: true, HasState: true };
    }
}
