using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Rest;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Client.Pulling;

/// <summary>The states of docs/client-states.md.</summary>
internal enum PullPhase
{
    Negotiating,
    Opening,
    AwaitingStart,
    Streaming,
    FetchingReference,
    FetchingRange,
    SavingBatch,
    SavingEnd,
    Repairing,
    Rewinding,
    Paging,
    SavingPage,
    Waiting,
    Healing,
    Done,
    Failed,
}

/// <summary>What a pull asks of its stream, as far as the rules depend on it.</summary>
/// <param name="Endpoint">Where the stream is.</param>
/// <param name="Window">Batches that may be unacknowledged, or null when none is acknowledged.</param>
/// <param name="Priority">Whether some entities come first.</param>
/// <param name="References">Whether pages may come as URLs.</param>
/// <param name="Digests">Whether what comes is hashed, so that it can be compared.</param>
/// <param name="Compact">Whether only what still matters comes: no part of that is a part of the log.</param>
internal sealed record PullTerms(
    StreamEndpoint Endpoint, int? Window = null, bool Priority = false, bool References = false, bool Digests = true, bool Compact = false)
{
    public static PullTerms Of(SyncOptions options)
        => new(options.Stream, options.WindowInUse, options.Priority is not null, Digests: options.VerifyDigest)
        {
            References = options.References && options.Compact is null,
            Compact = options.Compact is not null,
        };
}

/// <summary>All that a pull remembers. Immutable.</summary>
/// <param name="Phase">Where it stands.</param>
/// <param name="Origin">What the store held when the pull began.</param>
/// <param name="Position">The checkpoint saved last.</param>
/// <param name="Terms">What was asked for.</param>
internal sealed record PullState(PullPhase Phase, StorePosition Origin, Checkpoint Position, PullTerms Terms)
{
    /// <summary>Whether the store knows of logs, so that it is told from another, and put right.</summary>
    public bool KnowsLog { get; init; }

    /// <summary>The epoch of the store's log; null while it belongs to none.</summary>
    public string? Epoch { get; init; }

    /// <summary>Events of the log up to <see cref="Position"/>; null when that is not known.</summary>
    public long? LogPosition { get; init; }

    /// <summary>The same where the pull began, and where the stream did.</summary>
    public long? OriginLogPosition { get; init; }

    /// <summary>Events of the log up to where this stream began; null when that is not known.</summary>
    public long? StreamLogPosition { get; init; }

    /// <summary>Whether what was saved since is all of the log from one checkpoint to the next, so that it can be counted.</summary>
    public bool IsCountable { get; init; } = true;

    /// <summary>How many events the server lacked and was given again; null when it was not put back.</summary>
    public long? PushedAgain { get; init; }

    /// <summary>What is said of the store when the log is asked.</summary>
    public HistoryClaim Claim => KnowsLog ? new HistoryClaim(Epoch, LogPosition) : default;

    /// <summary>What the save under way says of the log.</summary>
    public LogMark SavingMark => new(Epoch, LogPositionAfter);

    /// <summary>Events of the log up to the checkpoint that the save under way will bring.</summary>
    public long? LogPositionAfter => Saving.Checkpoint is null ? LogPosition : SavingTold ?? (IsCountable ? LogPosition + Saving.Events : null);

    /// <summary>The same, as the server told it.</summary>
    public long? SavingTold { get; init; }

    /// <summary>Events stored or filtered out so far, each once.</summary>
    public long Processed { get; init; }

    /// <summary>Those of them that were streamed on this stream.</summary>
    public long Streamed { get; init; }

    /// <summary>What this stream announced, or null.</summary>
    public long? Announced { get; init; }

    /// <summary>What the first announcement said that the events are left of, or null.</summary>
    public long? History { get; init; }

    /// <summary>How many events there will be in all, for people, or null. It never becomes smaller.</summary>
    public long? Total { get; init; }

    /// <summary>How often the stream was asked for again after a cut.</summary>
    public int Resumes { get; init; }

    /// <summary>Events of streams that were cut, which no digest has covered.</summary>
    public long Unverified { get; init; }

    /// <summary>Whether a cut is answered by asking once more: once a pull.</summary>
    public bool MayResume => Resumes == 0;

    /// <summary>Whether some events came first, so that they may come again.</summary>
    public bool HasEarly { get; init; }

    /// <summary>The index that the next new batch must have.</summary>
    public int NextBatch { get; init; }

    /// <summary>The last batch that was acknowledged, or -1.</summary>
    public int Acknowledged { get; init; } = -1;

    /// <summary>Bytes of batches that came since the last acknowledgement.</summary>
    public long UnacknowledgedBytes { get; init; }

    /// <summary>Whether all that was asked for first is saved.</summary>
    public bool IsReady { get; init; }

    /// <summary>Whether what came first is over: by <c>ready</c>, or by a batch in the log's own order.</summary>
    public bool IsInOrder { get; init; }

    /// <summary>Whether each batch so far is a part of the log from one checkpoint to the next, so that it can be compared.</summary>
    public bool IsComparable { get; init; } = true;

    /// <summary>The pages of the batch that is under way, when it came by reference.</summary>
    public IReadOnlyList<PageReference> References { get; init; } = [];

    /// <summary>The place in <see cref="References"/> of the page that is under way.</summary>
    public int Reference { get; init; }

    /// <summary>Events that were fetched anew in the place of wrong ones.</summary>
    public long Repaired { get; init; }

    /// <summary>Pages in a row that were empty.</summary>
    public int EmptyPages { get; init; }

    /// <summary>Messages of the stream that brought nothing new.</summary>
    public int IdleMessages { get; init; }

    /// <summary>Whether the final batch has come.</summary>
    public bool SawLast { get; init; }

    /// <summary>Consecutive failures of REST pages.</summary>
    public int Failures { get; init; }

    /// <summary>Whether the page being saved is the last one.</summary>
    public bool LastPage { get; init; }

    /// <summary>Whether what was streamed was compared with the server's digests and is, or was made, right.</summary>
    public bool DigestVerified { get; init; }

    /// <summary>The checkpoint and count that the save under way will bring.</summary>
    public (Checkpoint? Checkpoint, int Events) Saving { get; init; }

    /// <summary>Those of them that were counted before, because they came first.</summary>
    public int SavingKnown { get; init; }

    /// <summary>Why the stream was given up, or null.</summary>
    public SyncFailure? StreamFailure { get; init; }

    /// <summary>Whether pages have taken over.</summary>
    public bool OnRest { get; init; }

    /// <summary>The way in use.</summary>
    public SyncTransport Transport => OnRest ? SyncTransport.Rest : SyncTransport.Stream;
}

/// <summary>What can happen to a pull.</summary>
internal abstract record PullInput
{
    private PullInput()
    {
    }

    /// <summary>The negotiate call answered, and said which log it is for.</summary>
    public sealed record Negotiated(Uri Url, string? Epoch = null) : PullInput;

    /// <summary>The WebSocket is open and the request is sent.</summary>
    public sealed record Opened : PullInput;

    /// <summary>
    /// A message came, its patches applied. <paramref name="Digest"/> is that of the events streamed so far, when it is wanted;
    /// <paramref name="Bytes"/> are those on the wire; <paramref name="Known"/> of its events were counted already, among those that
    /// were asked for first.
    /// </summary>
    public sealed record Message(StreamMessage Value, string? Digest = null, int Bytes = 0, int Known = 0) : PullInput;

    /// <summary>The events of one page by reference came, from its URL or by REST. <paramref name="Known"/> of them were counted already.</summary>
    public sealed record Referenced(IReadOnlyList<SyncEvent> Events, string Digest, int Known = 0) : PullInput;

    /// <summary>What the stream brought was compared, and so many received events were replaced by so many fetched ones.</summary>
    public sealed record Repaired(long Received, long Fetched) : PullInput;

    /// <summary>The server has what it lacked again, and the store holds nothing beyond what both have in common, up to
    /// <paramref name="Common"/>.</summary>
    public sealed record Healed(StorePosition Common, long PushedAgain) : PullInput;

    /// <summary>A page came. <paramref name="Known"/> of its events were counted already, among those that were asked for first.</summary>
    public sealed record Page(EventPageBody Value, int Known = 0) : PullInput;

    /// <summary>The last command failed: refused, cut, timed out, malformed.</summary>
    public sealed record Failed(SyncFailure Failure) : PullInput;

    /// <summary>The last command is done: saved, rewound, waited. <paramref name="AcknowledgesLate"/> says that the last acknowledgement is
    /// <see cref="StreamWindows.AckInterval"/> ago.</summary>
    public sealed record Done(bool AcknowledgesLate = false) : PullInput;
}

/// <summary>What a pull does next.</summary>
internal abstract record PullCommand
{
    private PullCommand()
    {
    }

    public sealed record Negotiate : PullCommand;

    /// <summary>Open the WebSocket, at the gateway when there is no URL, and ask for everything after a checkpoint.</summary>
    public sealed record Open(Uri? Url, Checkpoint Since) : PullCommand;

    /// <summary>Wait for the next message, after acknowledging a batch if one is named.</summary>
    public sealed record Receive(int? Acknowledge = null) : PullCommand;

    /// <summary>Fetch the page at a place of a list by its URL, and those that follow ahead of their turn.</summary>
    public sealed record FetchReference(IReadOnlyList<PageReference> Pages, int Place) : PullCommand;

    /// <summary>Fetch so many events after a checkpoint by REST.</summary>
    public sealed record FetchRange(Checkpoint Since, int Count) : PullCommand;

    /// <summary>Save events and the position after them, if it moves.</summary>
    public sealed record Save(IReadOnlyList<SyncEvent> Events, Checkpoint? Checkpoint) : PullCommand;

    /// <summary>Compare what was streamed, part by part, and replace what differs.</summary>
    public sealed record Repair : PullCommand;

    public sealed record Rewind(StorePosition Position) : PullCommand;

    /// <summary>Give the server what it lacks, and take back what follows the common part.</summary>
    public sealed record Heal : PullCommand;

    public sealed record FetchPage(Checkpoint Since) : PullCommand;

    public sealed record Wait(TimeSpan Delay) : PullCommand;

    public sealed record Finish : PullCommand;

    public sealed record Fail(SyncFailure Failure) : PullCommand;
}
