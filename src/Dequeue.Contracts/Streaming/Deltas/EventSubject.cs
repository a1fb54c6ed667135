using Dequeue.Contracts.Events;

namespace Dequeue.Contracts.Streaming.Deltas;

/// <summary>
/// What an event is about, found in one scan of its text. Its entity is the part of <c>type</c> before the first dot, with the string in
/// the payload whose name is that part with <c>Id</c>; its state the object <c>payload.fullState</c>, or else <c>payload.state</c>.
/// Names are compared as they are spelled; an event in which one of these members stands twice has no entity.
/// </summary>
internal readonly ref struct EventSubject
{
    private const string Suffix = "Id";

    private static ReadOnlySpan<byte> IdSuffix => "Id"u8;

    private EventSubject(ReadOnlySpan<byte> type, ReadOnlySpan<byte> timestamp)
    {
        Type = type;
        Timestamp = timestamp;
    }

    /// <summary>The type as it is spelled; empty when there is none, or two.</summary>
    public ReadOnlySpan<byte> Type { get; }

    /// <summary>The device's time as it is spelled; empty when there is none, or two.</summary>
    public ReadOnlySpan<byte> Timestamp { get; }

    /// <summary>What kind of entity it is, such as <c>task</c>, as it is spelled; empty when the event has none.</summary>
    public ReadOnlySpan<byte> Kind { get; private init; }

    /// <summary>The entity's id, as it is spelled.</summary>
    public ReadOnlySpan<byte> Id { get; private init; }

    /// <summary>Where the entity's state stands in the event; empty when there is none.</summary>
    public Range State { get; private init; }

    /// <summary>Whether the event has an entity.</summary>
    public bool HasEntity => !Kind.IsEmpty;

    /// <summary>Whether it brings a state of its entity.</summary>
    public bool HasState => State.End.Value > 0;

    /// <summary>
    /// Whether a member of the payload is spelled with an escape and means one of those that entity and state are told by: who parses
    /// the event may take that one for them.
    /// </summary>
    public bool IsAmbiguous { get; private init; }

    /// <summary>Reads an event.</summary>
    /// <param name="json">Minified JSON. What is none has no entity.</param>
    public static EventSubject Of(ReadOnlySpan<byte> json)
    {
        Range? type = null, payload = null, time = null;
        var (isTwice, isTimeTwice) = (false, false);
        var members = new JsonObjectScan(json);
        while (members.Next())
        {
            var name = json[members.Name];
            if (name.SequenceEqual("type"u8)) isTwice |= !Once(ref type, members.Value);
            else if (name.SequenceEqual("payload"u8)) isTwice |= !Once(ref payload, members.Value);
            else if (name.SequenceEqual("ts"u8)) isTimeTwice |= !Once(ref time, members.Value);
        }

        if (!members.IsComplete || isTwice) return default;
        var text = Text(json, type);
        var subject = new EventSubject(text, isTimeTwice ? default : Text(json, time));
        if (payload is not { } at || json[at] is not [(byte)'{', ..] || text.IndexOf((byte)'.') is not (> 0 and var dot)) return subject;
        return subject.About(json[at], at.Start.Value, text[..dot]);
    }

    private EventSubject About(ReadOnlySpan<byte> payload, int start, ReadOnlySpan<byte> kind)
    {
        Range? id = null, fullState = null, state = null;
        var isAmbiguous = false;
        var members = new JsonObjectScan(payload);
        while (members.Next())
        {
            var name = payload[members.Name];
            if (name.SequenceEqual("fullState"u8) && !Once(ref fullState, members.Value)) return this;
            if (name.SequenceEqual("state"u8) && !Once(ref state, members.Value)) return this;
            if (name.EndsWith(IdSuffix) && name[..^IdSuffix.Length].SequenceEqual(kind) && !Once(ref id, members.Value)) return this;
            if (name.Contains((byte)'\\')) isAmbiguous |= Means(name, kind);
        }

        if (!members.IsComplete || id is not { } idAt || payload[idAt] is not [(byte)'"', .. var text, (byte)'"']) return this;
        var place = IsObject(payload, fullState) ? fullState : IsObject(payload, state) ? state : null;
        return new EventSubject(Type, Timestamp)
        {
            Kind = kind,
            Id = text,
            State = place is { } found ? (start + found.Start.Value)..(start + found.End.Value) : default,
            IsAmbiguous = isAmbiguous,
        };
    }

    private static bool Means(ReadOnlySpan<byte> name, ReadOnlySpan<byte> kind)
        => new JsonText(name, isEscaped: true).GetString() is { } plain
            && (plain is "fullState" or "state" || plain == new JsonText(kind, kind.Contains((byte)'\\')).GetString() + Suffix);

    private static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> json, Range? place)
        => place is { } at && json[at] is [(byte)'"', .. var text, (byte)'"'] ? text : default;

    private static bool Once(ref Range? place, Range value)
    {
        if (place is not null) return false;
        place = value;
        return true;
    }

    private static bool IsObject(ReadOnlySpan<byte> json, Range? place) => place is { } at && json[at] is [(byte)'{', ..];
}
