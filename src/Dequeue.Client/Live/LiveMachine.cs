using Transition = (Dequeue.Client.Live.LiveState State, Dequeue.Client.Live.LiveCommand Command);

namespace Dequeue.Client.Live;

/// <summary>The live states of docs/client-states.md.</summary>
internal enum LivePhase
{
    Syncing,
    Listening,
    Polling,
    Waiting,
    Stopped,
}

/// <summary>What a watch may do, and how long it waits.</summary>
/// <param name="Streams">Whether there is a stream to be had at all.</param>
/// <param name="Retry">For what fails.</param>
/// <param name="StreamRetry">For the WebSocket alone, while REST works.</param>
/// <param name="Poll">The first wait between two polls.</param>
/// <param name="MaxPoll">The longest one.</param>
internal sealed record LiveTerms(bool Streams, RetryPolicy Retry, RetryPolicy StreamRetry, TimeSpan Poll, TimeSpan MaxPoll)
{
    public static LiveTerms Of(SyncOptions options)
    {
        var retry = RetryPolicy.Of(options);
        return new LiveTerms(
            options.Stream != StreamEndpoint.None, retry, retry with { MaxDelay = options.StreamRetryInterval }, options.PollInterval, options.MaxPollInterval);
    }
}

/// <summary>All that a live watch remembers.</summary>
/// <param name="Phase">Where it stands.</param>
/// <param name="Failures">Consecutive syncs that failed as a whole.</param>
/// <param name="StreamFailures">Consecutive connections that could not be had, or brought nothing.</param>
/// <param name="Quiet">Consecutive polls that brought nothing.</param>
/// <param name="Delay">The wait under way.</param>
/// <param name="UntilStream">How long until the WebSocket is tried again, at the beginning of that wait.</param>
internal readonly record struct LiveState(
    LivePhase Phase, int Failures = 0, int StreamFailures = 0, int Quiet = 0, TimeSpan Delay = default, TimeSpan UntilStream = default);

/// <summary>What can happen to a live watch.</summary>
internal abstract record LiveInput
{
    private LiveInput()
    {
    }

    /// <summary>The store is up to date, and the connection stays open.</summary>
    public sealed record Live : LiveInput;

    /// <summary>The store is up to date, by pages: there is no connection.</summary>
    /// <param name="Brought">Whether there was something new.</param>
    /// <param name="Failure">Why there is no connection; null when none was wanted.</param>
    public sealed record Paged(bool Brought, SyncFailure? Failure = null) : LiveInput;

    /// <summary>Events came and were saved.</summary>
    public sealed record Batch : LiveInput;

    /// <summary>Something is missing, or may be: it is time to ask for the rest.</summary>
    public sealed record Renew : LiveInput;

    public sealed record Failed(SyncFailure Failure) : LiveInput;

    public sealed record Waited : LiveInput;
}

/// <summary>What a live watch does next.</summary>
internal abstract record LiveCommand
{
    private LiveCommand()
    {
    }

    /// <summary>Bring the store up to date by stream, over the open connection or a new one, and leave it open.</summary>
    public sealed record Sync : LiveCommand;

    /// <summary>Bring the store up to date by pages.</summary>
    public sealed record Poll : LiveCommand;

    public sealed record Listen : LiveCommand;

    public sealed record Wait(TimeSpan Delay) : LiveCommand;

    public sealed record Fail(SyncFailure Failure) : LiveCommand;
}

/// <summary>The rules of a live watch: pure transitions.</summary>
internal static class LiveMachine
{
    /// <summary>How a watch begins.</summary>
    public static Transition Begin(LiveTerms terms) => Again(new LiveState(LivePhase.Syncing), terms.Streams);

    /// <summary>What follows when <paramref name="input"/> happens.</summary>
    /// <param name="state">The state before.</param>
    /// <param name="input">What came of the last command.</param>
    /// <param name="terms">The bounds.</param>
    /// <param name="random">0 to 1: where in its range a wait lies.</param>
    public static Transition Next(LiveState state, LiveInput input, LiveTerms terms, double random)
        => (state.Phase, input) switch
        {
            (LivePhase.Syncing, LiveInput.Live) => (state with { Phase = LivePhase.Listening, Failures = 0, Quiet = 0 }, new LiveCommand.Listen()),
            (LivePhase.Syncing, LiveInput.Paged paged) => OnPaged(WithoutStream(state, paged.Failure, terms, random), paged, terms, random),
            (LivePhase.Polling, LiveInput.Paged paged) => OnPaged(state with { UntilStream = state.UntilStream - state.Delay }, paged, terms, random),
            (LivePhase.Listening, LiveInput.Batch) => (new LiveState(LivePhase.Listening), new LiveCommand.Listen()),
            (LivePhase.Listening, LiveInput.Renew) => Again(new LiveState(LivePhase.Listening), streams: true),
            (LivePhase.Waiting, LiveInput.Waited) => Again(state, terms.Streams && state.UntilStream <= state.Delay),
            (LivePhase.Syncing or LivePhase.Polling or LivePhase.Listening, LiveInput.Failed { Failure: { IsVerdict: true, IsTransient: false } verdict })
                => (state with { Phase = LivePhase.Stopped }, new LiveCommand.Fail(verdict)),
            (LivePhase.Listening, LiveInput.Failed failed) => Wait(WithoutStream(state, failed.Failure, terms, random), terms, random),
            (LivePhase.Syncing or LivePhase.Polling, LiveInput.Failed failed) => OnFailed(state, failed.Failure, terms, random),
            _ => throw new InvalidOperationException($"{input.GetType().Name} cannot happen while {state.Phase}."),
        };

    private static Transition Again(LiveState state, bool streams)
        => streams ? (state with { Phase = LivePhase.Syncing }, new LiveCommand.Sync()) : (state with { Phase = LivePhase.Polling }, new LiveCommand.Poll());

    private static LiveState WithoutStream(LiveState state, SyncFailure? failure, LiveTerms terms, double random)
    {
        var failures = state.StreamFailures + 1;
        return state with { StreamFailures = failures, UntilStream = terms.StreamRetry.Backoff(failures, failure?.RetryAfter, random) };
    }

    private static Transition OnPaged(LiveState state, LiveInput.Paged paged, LiveTerms terms, double random)
        => Wait(state with { Failures = 0, Quiet = paged.Brought ? 0 : state.Quiet + 1 }, terms, random);

    // The next poll, or the WebSocket, whichever comes first.
    private static Transition Wait(LiveState state, LiveTerms terms, double random)
    {
        var poll = TimeSpan.FromMilliseconds(Math.Min(
            terms.MaxPoll.TotalMilliseconds, terms.Poll.TotalMilliseconds * Math.Pow(2, Math.Min(state.Quiet, 30))) * (1 + random) / 2);
        return WaitFor(state, terms.Streams && state.UntilStream < poll ? state.UntilStream : poll);
    }

    private static Transition OnFailed(LiveState state, SyncFailure failure, LiveTerms terms, double random)
    {
        var failures = state.Failures + 1;
        var delay = terms.Retry.Backoff(failures, failure.RetryAfter, random);
        return WaitFor(state with { Failures = failures, UntilStream = delay }, delay);
    }

    private static Transition WaitFor(LiveState state, TimeSpan delay)
        => (state with { Phase = LivePhase.Waiting, Delay = delay }, new LiveCommand.Wait(delay));
}
