using Dequeue.WebPubSub.Clients;

namespace Dequeue.WebPubSub.Upstream;

/// <summary>What came of a <c>connect</c> event.</summary>
internal abstract record ConnectOutcome
{
    /// <summary>The client is let in. Null leaves what the token says.</summary>
    public sealed record Accepted(string? UserId, IReadOnlyList<string>? Roles, IReadOnlyList<string>? Groups, string? Subprotocol) : ConnectOutcome
    {
        /// <summary>Let in as the token says.</summary>
        public static Accepted Unchanged { get; } = new(null, null, null, null);
    }

    /// <summary>The client is refused, with this status as the answer to its handshake.</summary>
    public sealed record Refused(int Status) : ConnectOutcome;
}

/// <summary>What came of a user event.</summary>
internal abstract record EventOutcome
{
    /// <summary>A handler took it; what it answered goes to the client.</summary>
    public sealed record Handled(Payload? Reply) : EventOutcome;

    /// <summary>No handler took it, or the handler failed.</summary>
    public sealed record Failed(string Reason) : EventOutcome;
}
