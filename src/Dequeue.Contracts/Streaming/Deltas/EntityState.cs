namespace Dequeue.Contracts.Streaming.Deltas;

/// <summary>
/// Whose state an event brings, and where in its text. The entity is the part of <c>type</c> before the first dot, with the string in
/// the payload whose name is that part with <c>Id</c>; its state the object <c>payload.fullState</c>, or else <c>payload.state</c>.
/// Names are compared as they are spelled; an event in which one of these members stands twice has none.
/// </summary>
internal readonly ref struct EntityState
{
    private static ReadOnlySpan<byte> IdSuffix => "Id"u8;

    private EntityState(ReadOnlySpan<byte> kind, ReadOnlySpan<byte> id, Range state)
    {
        Kind = kind;
        Id = id;
        State = state;
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
        found = default;
        Range? type = null, payload = null;
        var members = new JsonObjectScan(json);
        while (members.Next())
        {
            var name = json[members.Name];
            if (name.SequenceEqual("type"u8) && !Once(ref type, members.Value)) return false;
            if (name.SequenceEqual("payload"u8) && !Once(ref payload, members.Value)) return false;
        }

        if (!members.IsComplete || type is not { } typeAt || payload is not { } payloadAt || json[payloadAt] is not [(byte)'{', ..]) return false;
        if (json[typeAt] is not [(byte)'"', .. var text, (byte)'"'] || text.IndexOf((byte)'.') is not (> 0 and var dot)) return false;
        return TryFind(json, text[..dot], payloadAt, out found);
    }

    private static bool TryFind(ReadOnlySpan<byte> json, ReadOnlySpan<byte> kind, Range payloadAt, out EntityState found)
    {
        found = default;
        Range? id = null, fullState = null, state = null;
        var payload = json[payloadAt];
        var members = new JsonObjectScan(payload);
        while (members.Next())
        {
            var name = payload[members.Name];
            if (name.SequenceEqual("fullState"u8) && !Once(ref fullState, members.Value)) return false;
            if (name.SequenceEqual("state"u8) && !Once(ref state, members.Value)) return false;
            if (name.EndsWith(IdSuffix) && name[..^IdSuffix.Length].SequenceEqual(kind) && !Once(ref id, members.Value)) return false;
        }

        if (!members.IsComplete || id is not { } idAt || payload[idAt] is not [(byte)'"', .. var text, (byte)'"']) return false;
        var place = IsObject(payload, fullState) ? fullState : IsObject(payload, state) ? state : null;
        if (place is not { } at) return false;
        var start = payloadAt.Start.Value;
        found = new EntityState(kind, text, (start + at.Start.Value)..(start + at.End.Value));
        return true;
    }

    private static bool Once(ref Range? place, Range value)
    {
        if (place is not null) return false;
        place = value;
        return true;
    }

    private static bool IsObject(ReadOnlySpan<byte> json, Range? place) => place is { } at && json[at] is [(byte)'{', ..];
}
