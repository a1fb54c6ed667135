using Transition = (Dequeue.Client.Live.LiveState State, Dequeue.Client.Live.LiveCommand Command);

namespace Dequeue.Client.Live;

/// <summary>The live states of docs/client-states.md.</summary>
internal enum LivePhase
{
    Opening,
    CatchingUp,
    Listening,
    Waiting,
    Stopped,
}

/// <summary>All that a live watch remembers.</summary>
internal readonly record struct LiveState(LivePhase Phase, int Failures);

/// <summary>What can happen to a live watch.</summary>
internal abstract record LiveInput
{
    private LiveInput()
    {
    }

    public sealed record Opened : LiveInput;

    public sealed record CaughtUp : LiveInput;

    /// <summary>A message came and was dealt with.</summary>
    public sealed record Event : LiveInput;

    /// <summary>It is time to read the log again.</summary>
    public sealed record CatchUpDue : LiveInput;

    public sealed record Failed(SyncFailure Failure) : LiveInput;

    public sealed record Waited : LiveInput;
}

/// <summary>What a live watch does next.</summary>
internal abstract record LiveCommand
{
    private LiveCommand()
    {
    }

    public sealed record Open : LiveCommand;

    public sealed record CatchUp : LiveCommand;

    public sealed record Listen : LiveCommand;

    public sealed record Wait(TimeSpan Delay) : LiveCommand;

    public sealed record Fail(SyncFailure Failure) : LiveCommand;
}

/// <summary>The rules of a live watch: pure transitions.</summary>
internal static class LiveMachine
{
    /// <summary>How a watch begins.</summary>
    public static Transition Begin() => (new LiveState(LivePhase.Opening, 0), new LiveCommand.Open());

    /// <summary>What follows when <paramref name="input"/> happens.</summary>
    public static Transition Next(LiveState state, LiveInput input, RetryPolicy retry, double random)
        => (state.Phase, input) switch
        {
            (LivePhase.Opening, LiveInput.Opened) => (state with { Phase = LivePhase.CatchingUp }, new LiveCommand.CatchUp()),
            (LivePhase.CatchingUp, LiveInput.CaughtUp) => (state with { Phase = LivePhase.Listening }, new LiveCommand.Listen()),
            (LivePhase.Listening, LiveInput.Event) => (new LiveState(LivePhase.Listening, 0), new LiveCommand.Listen()),
            (LivePhase.Listening, LiveInput.CatchUpDue) => (new LiveState(LivePhase.CatchingUp, 0), new LiveCommand.CatchUp()),
            (LivePhase.Waiting, LiveInput.Waited) => (state with { Phase = LivePhase.Opening }, new LiveCommand.Open()),
            (LivePhase.Opening or LivePhase.CatchingUp or LivePhase.Listening, LiveInput.Failed failed) => OnFailed(state, failed.Failure, retry, random),
            _ => throw new InvalidOperationException($"{input.GetType().Name} cannot happen while {state.Phase}."),
        };

    private static Transition OnFailed(LiveState state, SyncFailure failure, RetryPolicy retry, double random)
    {
        if (!failure.IsTransient) return (state with { Phase = LivePhase.Stopped }, new LiveCommand.Fail(failure));
        var failures = state.Failures + 1;
        return (new LiveState(LivePhase.Waiting, failures), new LiveCommand.Wait(retry.Backoff(failures, failure.RetryAfter, random)));
    }
}
