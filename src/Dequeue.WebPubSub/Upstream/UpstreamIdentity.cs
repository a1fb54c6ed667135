namespace Dequeue.WebPubSub.Upstream;

/// <summary>A connection as event handlers see it. One event at a time reads and changes it.</summary>
internal sealed class UpstreamIdentity(string hub, string connectionId)
{
    private long _nextEventId;

    /// <summary>Its hub.</summary>
    public string Hub { get; } = hub;

    /// <summary>Its id.</summary>
    public string ConnectionId { get; } = connectionId;

    /// <summary>Its user, from the token or the <c>connect</c> handler.</summary>
    public string? UserId { get; set; }

    /// <summary>Its subprotocol, once chosen.</summary>
    public string? Subprotocol { get; set; }

    /// <summary>What the last handler that set a state has set.</summary>
    public string? State { get; set; }

    /// <summary>The id of the next event: 0 for <c>connect</c>, then rising.</summary>
    public long NextEventId() => _nextEventId++;
}
