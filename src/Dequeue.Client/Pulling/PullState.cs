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
    SavingBatch,
    SavingEnd,
    Rewinding,
    Paging,
    SavingPage,
    Waiting,
    Done,
    Failed,
}

/// <summary>All that a pull remembers. Immutable.</summary>
/// <param name="Phase">Where it stands.</param>
/// <param name="Origin">What the store held when the pull began.</param>
/// <param name="Position">The checkpoint saved last.</param>
internal sealed record PullState(PullPhase Phase, StorePosition Origin, Checkpoint Position)
{
    /// <summary>Events stored or filtered out so far, each once.</summary>
    public long Processed { get; init; }

    /// <summary>Those of them that were streamed on this stream.</summary>
    public long Streamed { get; init; }

    /// <summary>What the stream announced, or null.</summary>
    public long? Total { get; init; }

    /// <summary>The index that the next new batch must have.</summary>
    public int NextBatch { get; init; }

    /// <summary>Messages of the stream that brought nothing new.</summary>
    public int IdleMessages { get; init; }

    /// <summary>Whether the final batch has come.</summary>
    public bool SawLast { get; init; }

    /// <summary>Consecutive failures of REST pages.</summary>
    public int Failures { get; init; }

    /// <summary>Whether the page being saved is the last one.</summary>
    public bool LastPage { get; init; }

    /// <summary>Whether the stream's digest was compared and right.</summary>
    public bool DigestVerified { get; init; }

    /// <summary>The checkpoint and count that the save under way will bring.</summary>
    public (Checkpoint? Checkpoint, int Events) Saving { get; init; }

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

    /// <summary>The negotiate call answered.</summary>
    public sealed record Negotiated(Uri Url) : PullInput;

    /// <summary>The WebSocket is open and the request is sent.</summary>
    public sealed record Opened : PullInput;

    /// <summary>A message came. <paramref name="Digest"/> is that of the events streamed so far, when it is wanted.</summary>
    public sealed record Message(StreamMessage Value, string? Digest = null) : PullInput;

    /// <summary>A page came.</summary>
    public sealed record Page(EventPageBody Value) : PullInput;

    /// <summary>The last command failed: refused, cut, timed out, malformed.</summary>
    public sealed record Failed(SyncFailure Failure) : PullInput;

    /// <summary>The last command is done: saved, rewound, waited.</summary>
    public sealed record Done : PullInput;
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

    public sealed record Receive : PullCommand;

    public sealed record Save(IReadOnlyList<SyncEvent> Events, Checkpoint? Checkpoint) : PullCommand;

    public sealed record Rewind(StorePosition Position) : PullCommand;

    public sealed record FetchPage(Checkpoint Since) : PullCommand;

    public sealed record Wait(TimeSpan Delay) : PullCommand;

    public sealed record Finish : PullCommand;

    public sealed record Fail(SyncFailure Failure) : PullCommand;
}
