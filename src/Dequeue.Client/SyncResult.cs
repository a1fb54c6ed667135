using System.Globalization;
using Dequeue.Contracts;

namespace Dequeue.Client;

/// <summary>The way that events come.</summary>
public enum SyncTransport
{
    /// <summary>A WebSocket stream.</summary>
    Stream,

    /// <summary>REST pages.</summary>
    Rest,
}

/// <summary>A finished pull: the store holds everything up to <paramref name="Checkpoint"/>.</summary>
/// <param name="Transport">The way that brought the end: <see cref="SyncTransport.Rest"/> when the stream failed on the way.</param>
/// <param name="Events">Events received, each counted once.</param>
/// <param name="Added">Those of them that the store did not have and the filter kept.</param>
/// <param name="Seconds">From the first packet to the last event in the store.</param>
/// <param name="Bytes">Bytes of messages and bodies received, as they came over the wire, without headers.</param>
/// <param name="Checkpoint">The position saved.</param>
/// <param name="StreamFailure">Why the stream was given up, or null when it was not, or was not asked for.</param>
/// <param name="DigestVerified">True when what the stream brought was compared with the server's digests, and is right: at once, or
/// after a repair.</param>
/// <param name="ReadySeconds">From the first packet until all that <see cref="SyncOptions.Priority"/> asked for was saved; null when it
/// was not asked for, or the server did not say so.</param>
/// <param name="Repaired">Events that were fetched anew because those that came in their place were wrong. 0 as a rule.</param>
/// <param name="Resumes">How often the stream was cut and went on as a stream. What came before a cut is not covered by
/// <paramref name="DigestVerified"/>, which is false then.</param>
/// <param name="HistoryEvents">With <see cref="SyncOptions.Compact"/>: how many events the history has of which these are left, as the
/// stream said at its start; null when no stream did.</param>
/// <param name="PushedAgain">When the server had been put back to an earlier state: how many events it lacked and was given again. Null as
/// a rule.</param>
/// <param name="Requeued">Events that the server had acknowledged and has lost since; they wait in the queue again. 0 as a rule.</param>
public sealed record SyncResult(
    SyncTransport Transport, long Events, long Added, double Seconds, long Bytes, Checkpoint Checkpoint, SyncFailure? StreamFailure, bool DigestVerified,
    double? ReadySeconds = null, long Repaired = 0, int Resumes = 0, long? HistoryEvents = null, long? PushedAgain = null,
    long Requeued = 0)
{
    /// <summary>One sentence for people.</summary>
    public override string ToString()
        => string.Create(CultureInfo.InvariantCulture, $"{Counted.Of(Events, "event")} in {Seconds:0.000} s by {(Transport == SyncTransport.Stream ? "stream" : "REST")}")
            + (PushedAgain is { } again ? $"; the server had been put back, and was given {Counted.Of(again, "event")} again" : "")
            + (StreamFailure is null ? "." : $"; the stream failed: {StreamFailure}");
}

/// <summary>A push that reached the server with all its events.</summary>
/// <param name="Acknowledged">How many are stored, now or before.</param>
/// <param name="Rejected">The events that the server refused, and why.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="Bytes">Bytes of the bodies sent.</param>
public sealed record PushResult(long Acknowledged, IReadOnlyList<RejectedEvent> Rejected, double Seconds, long Bytes)
{
    /// <summary>One sentence for people.</summary>
    public override string ToString()
        => string.Create(CultureInfo.InvariantCulture, $"{Acknowledged:N0} acknowledged, {Rejected.Count:N0} rejected in {Seconds:0.000} s.");
}

/// <summary>What became of the queue. Being offline is an outcome, not an exception.</summary>
/// <param name="Acknowledged">How many are stored on the server, now or before, and left the queue.</param>
/// <param name="Rejected">The events that the server refused, and why. They left the queue too: <see cref="SyncManager.GetRefusedAsync"/>
/// has them.</param>
/// <param name="Pending">How many still wait.</param>
/// <param name="Failure">Why, or null when none waits.</param>
public sealed record FlushResult(long Acknowledged, IReadOnlyList<RejectedEvent> Rejected, long Pending, SyncFailure? Failure)
{
    /// <summary>One sentence for people.</summary>
    public override string ToString()
        => string.Create(CultureInfo.InvariantCulture, $"{Acknowledged:N0} acknowledged, {Rejected.Count:N0} rejected, {Pending:N0} pending")
            + (Failure is null ? "." : $": {Failure}");
}

/// <summary>An event that the server refused.</summary>
/// <param name="Id">Its id; empty when it has no readable one.</param>
/// <param name="Reason">One sentence.</param>
public sealed record RejectedEvent(string Id, string Reason);
