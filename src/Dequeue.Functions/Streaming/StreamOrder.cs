namespace Dequeue.Functions.Streaming;

/// <summary>What starts a <see cref="StreamSync"/>: a stream that has begun.</summary>
/// <param name="Target">Where it goes.</param>
/// <param name="Begun">How far it has come, in the event handler or in the orchestration's runs before. Null in the order of an earlier version, whose
/// streams began in the orchestration.</param>
public sealed record StreamOrder(StreamTarget Target, StreamProgress? Begun)
{
    /// <summary>How long an acknowledgement is awaited.</summary>
    public TimeSpan AckPatience { get; init; }

    /// <summary>While one is awaited: until when, in UTC. Else null.</summary>
    public DateTime? AckBy { get; init; }
}
