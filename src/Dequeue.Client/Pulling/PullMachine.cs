using Dequeue.Contracts.Streaming;
using Transition = (Dequeue.Client.Pulling.PullState State, Dequeue.Client.Pulling.PullCommand Command);

namespace Dequeue.Client.Pulling;

/// <summary>
/// The rules of a pull: pure transitions, written down as a table in docs/client-states.md. They do no I/O, read no clock and
/// draw no random number.
/// </summary>
internal static class PullMachine
{
    /// <summary>Messages of a stream that may bring nothing new. A few repeated windows of about 20 batches are honest; more is
    /// a server that keeps the client busy.</summary>
    internal const int MaxIdleMessages = 1000;

    /// <summary>How a pull begins.</summary>
    public static Transition Begin(StorePosition origin, StreamEndpoint endpoint)
    {
        var state = new PullState(PullPhase.Negotiating, origin, origin.Checkpoint);
        return endpoint switch
        {
            StreamEndpoint.Negotiated => (state, new PullCommand.Negotiate()),
            StreamEndpoint.Gateway => (state with { Phase = PullPhase.Opening }, new PullCommand.Open(null, state.Position)),
            _ => NextPage(state),
        };
    }

    /// <summary>What follows when <paramref name="input"/> happens.</summary>
    /// <param name="state">The state before.</param>
    /// <param name="input">What came of the last command.</param>
    /// <param name="retry">The bounds of retries.</param>
    /// <param name="random">0 to 1: where in its range a wait lies.</param>
    public static Transition Next(PullState state, PullInput input, RetryPolicy retry, double random)
        => (state.Phase, input) switch
        {
            (PullPhase.Negotiating, PullInput.Negotiated negotiated)
                => (state with { Phase = PullPhase.Opening }, new PullCommand.Open(negotiated.Url, state.Position)),
            (PullPhase.Opening, PullInput.Opened) => Receive(state with { Phase = PullPhase.AwaitingStart }),
            (PullPhase.AwaitingStart or PullPhase.Streaming, PullInput.Message message) => OnMessage(state, message),
            (PullPhase.SavingBatch, PullInput.Done) => Receive(Saved(state) with { Phase = PullPhase.Streaming, Streamed = state.Streamed + state.Saving.Events }),
            (PullPhase.SavingEnd, PullInput.Done) => (Saved(state) with { Phase = PullPhase.Done }, new PullCommand.Finish()),
            (PullPhase.Negotiating or PullPhase.Opening or PullPhase.AwaitingStart or PullPhase.Streaming, PullInput.Failed failed)
                => FallBack(state, failed.Failure),
            (PullPhase.Rewinding, PullInput.Done) => NextPage(state),
            (PullPhase.Paging, PullInput.Page page) => OnPage(state, page, retry, random),
            (PullPhase.Paging, PullInput.Failed failed) => OnPageFailed(state, failed.Failure, retry, random),
            (PullPhase.SavingPage, PullInput.Done) when state.LastPage => (Saved(state) with { Phase = PullPhase.Done }, new PullCommand.Finish()),
            (PullPhase.SavingPage, PullInput.Done) => NextPage(Saved(state)),
            (PullPhase.Waiting, PullInput.Done) => NextPage(state),
            _ => throw new InvalidOperationException($"{input.GetType().Name} cannot happen while {state.Phase}."),
        };

    private static Transition OnMessage(PullState state, PullInput.Message message)
        => message.Value switch
        {
            StreamMessage.Start start when state.Phase == PullPhase.AwaitingStart
                => Receive(state with { Phase = PullPhase.Streaming, Total = start.TotalEvents }),
            StreamMessage.Batch batch when state.Phase == PullPhase.Streaming => OnBatch(state, batch),
            StreamMessage.Complete complete when state.Phase == PullPhase.Streaming => OnComplete(state, complete, message.Digest),
            StreamMessage.Error error => FallBack(state, new SyncFailure(SyncFailureKind.ServerError, $"The stream ended in an error: {error.Text}", error.Code)),
            StreamMessage.Unknown => Ignore(state),
            _ => FallBack(state, Bad($"A {message.Value.GetType().Name.ToLowerInvariant()} message came out of turn.")),
        };

    private static Transition OnBatch(PullState state, StreamMessage.Batch batch)
    {
        if (batch.BatchIndex < state.NextBatch)
        {
            // A window that the server sent again. What lies at or below the saved position is here already; a repetition that
            // reaches beyond it was cut differently, and only pages can tell what it lacks.
            return batch.Checkpoint > state.Position ? FallBack(state, Bad($"Batch {batch.BatchIndex} came again with other events.")) : Ignore(state);
        }

        if (batch.BatchIndex > state.NextBatch) return FallBack(state, Bad($"Batch {state.NextBatch} is missing: {batch.BatchIndex} came instead."));
        if (state.SawLast) return FallBack(state, Bad("A batch came after the last one."));
        if (batch.Events.Count == 0 && !batch.IsLast) return FallBack(state, Bad($"Batch {batch.BatchIndex} is empty."));
        if (batch.Checkpoint < state.Position) return FallBack(state, Bad($"The checkpoint of batch {batch.BatchIndex} lies before its events."));
        if (state.Streamed + batch.Events.Count > state.Total) return Rewind(state, Bad($"More events came than the {state.Total} announced."));
        return (
            state with { Phase = PullPhase.SavingBatch, NextBatch = batch.BatchIndex + 1, SawLast = batch.IsLast, Saving = (batch.Checkpoint, batch.Events.Count) },
            new PullCommand.Save(batch.Events, batch.Checkpoint));
    }

    private static Transition OnComplete(PullState state, StreamMessage.Complete complete, string? digest)
    {
        if (state.Streamed != state.Total || complete.ProcessedEvents != state.Streamed)
            return Rewind(state, Bad($"{state.Streamed} events came; {state.Total} were announced and {complete.ProcessedEvents} sent."));
        if (!state.SawLast && state.Streamed > 0) return Rewind(state, Bad("The stream ended without its last batch."));
        if (complete.NewCheckpoint < state.Position) return Rewind(state, Bad("The new checkpoint lies before the events."));
        var verified = digest is not null && complete.Digest is not null;
        if (verified && !string.Equals(digest, complete.Digest, StringComparison.OrdinalIgnoreCase))
            return Rewind(state, Bad("The digest of the events is not the server's."));
        return (
            state with { Phase = PullPhase.SavingEnd, DigestVerified = verified, Saving = (complete.NewCheckpoint, 0) },
            new PullCommand.Save([], complete.NewCheckpoint));
    }

    private static Transition OnPage(PullState state, PullInput.Page input, RetryPolicy retry, double random)
    {
        var page = input.Value;
        if (page.NextCheckpoint < state.Position || page.HasMore && page.NextCheckpoint == state.Position)
            return OnPageFailed(state, Bad("A page does not lead beyond the checkpoint that it was asked for."), retry, random);
        return (
            state with { Phase = PullPhase.SavingPage, LastPage = !page.HasMore, Failures = 0, Saving = (page.NextCheckpoint, page.Events.Count) },
            new PullCommand.Save(page.Events, page.NextCheckpoint));
    }

    private static Transition OnPageFailed(PullState state, SyncFailure failure, RetryPolicy retry, double random)
    {
        var failures = state.Failures + 1;
        return retry.Delay(failures, failure, random) is { } delay
            ? (state with { Phase = PullPhase.Waiting, Failures = failures }, new PullCommand.Wait(delay))
            : (state with { Phase = PullPhase.Failed, Failures = failures }, new PullCommand.Fail(failure));
    }

    private static Transition Receive(PullState state) => (state, new PullCommand.Receive());

    private static Transition Ignore(PullState state)
        => state.IdleMessages < MaxIdleMessages
            ? Receive(state with { IdleMessages = state.IdleMessages + 1 })
            : FallBack(state, Bad($"{MaxIdleMessages} messages brought nothing new."));

    private static Transition FallBack(PullState state, SyncFailure failure) => NextPage(state with { StreamFailure = failure });

    // What was streamed is in doubt: pages bring it again from where the pull began.
    private static Transition Rewind(PullState state, SyncFailure failure)
        => (
            state with { Phase = PullPhase.Rewinding, OnRest = true, StreamFailure = failure, Position = state.Origin.Checkpoint, Processed = 0 },
            new PullCommand.Rewind(state.Origin));

    private static Transition NextPage(PullState state)
        => (state with { Phase = PullPhase.Paging, OnRest = true }, new PullCommand.FetchPage(state.Position));

    private static PullState Saved(PullState state)
        => state with { Position = state.Saving.Checkpoint ?? state.Position, Processed = state.Processed + state.Saving.Events };

    private static SyncFailure Bad(string message) => new(SyncFailureKind.BadAnswer, message);
}
