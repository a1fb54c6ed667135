using Dequeue.Contracts;
using Dequeue.Contracts.Events;
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

    /// <summary>Events that may come beyond the announced total before the stream is given up. Which part has too many is
    /// known at its end alone; more than a batch is no slip.</summary>
    internal const int MaxSurplus = StreamRequest.MaxBatchSize;

    /// <summary>Pages in a row that may be empty although more is to come. An honest server has no reason for one; this many are a
    /// server that keeps the client busy with rising checkpoints.</summary>
    internal const int MaxEmptyPages = 100;

    /// <summary>How a pull begins.</summary>
    /// <param name="origin">What the store holds.</param>
    /// <param name="terms">What is asked for.</param>
    /// <param name="mark">What the store knows of its log; null when it knows of none.</param>
    public static Transition Begin(StorePosition origin, PullTerms terms, LogMark? mark = null)
    {
        // Before everything there is nothing, in whatever log.
        var position = mark is null ? null : origin.Checkpoint <= Checkpoint.Beginning ? 0 : mark.Value.Position;
        var state = new PullState(PullPhase.Negotiating, origin, origin.Checkpoint, terms)
        {
            IsComparable = terms is { Digests: true, Compact: false },
            KnowsLog = mark is not null,
            Epoch = mark?.Epoch,
            LogPosition = position,
            OriginLogPosition = position,

            // Of what is left out nobody here knows how much it is.
            IsCountable = !terms.Compact,
        };
        return terms.Endpoint == StreamEndpoint.None ? NextPage(state) : Ask(state);
    }

    /// <summary>What follows when <paramref name="input"/> happens.</summary>
    /// <param name="state">The state before.</param>
    /// <param name="input">What came of the last command.</param>
    /// <param name="retry">The bounds of retries.</param>
    /// <param name="random">0 to 1: where in its range a wait lies.</param>
    public static Transition Next(PullState state, PullInput input, RetryPolicy retry, double random)
        => (state.Phase, input) switch
        {
            (PullPhase.Negotiating, PullInput.Negotiated negotiated) when IsOther(state, negotiated.Epoch) => Stop(state, SyncFailure.OtherHistory(negotiated.Epoch, null)),
            (PullPhase.Negotiating, PullInput.Negotiated negotiated)
                => (state with { Phase = PullPhase.Opening }, new PullCommand.Open(negotiated.Url, state.Position)),
            (PullPhase.Opening, PullInput.Opened) => Receive(state with { Phase = PullPhase.AwaitingStart }),
            (PullPhase.AwaitingStart or PullPhase.Streaming, PullInput.Message message) => OnMessage(state, message),
            (PullPhase.FetchingReference, PullInput.Referenced page) => IsRight(state, page) ? Save(state, page.Events, page.Known) : FetchRange(state),
            (PullPhase.FetchingReference, PullInput.Failed) => FetchRange(state),
            (PullPhase.FetchingRange, PullInput.Referenced page)
                => IsRight(state, page) ? Save(state, page.Events, page.Known) : FallBack(state, Bad("The events of a page by reference are not what its digest says.")),
            (PullPhase.SavingBatch, PullInput.Done done)
                => OnBatchSaved(Saved(state) with { Streamed = state.Streamed + state.Saving.Events }, done.AcknowledgesLate),
            (PullPhase.SavingEnd, PullInput.Done) => (Saved(state) with { Phase = PullPhase.Done }, new PullCommand.Finish()),
            (PullPhase.AwaitingStart or PullPhase.Streaming, PullInput.Failed { Failure.Kind: SyncFailureKind.Unreachable }) when state.MayResume => Resume(state),
            (PullPhase.Streaming, PullInput.Failed { Failure.Kind: SyncFailureKind.TimedOut }) when state.MayResume => Resume(state),
            (PullPhase.Negotiating or PullPhase.Opening or PullPhase.AwaitingStart or PullPhase.Streaming or PullPhase.FetchingRange, PullInput.Failed failed)
                => FallBack(state, failed.Failure),
            (PullPhase.Repairing, PullInput.Repaired repaired)
                => NextPage(state with
                {
                    Processed = state.Processed + repaired.Fetched - repaired.Received,
                    LogPosition = state.LogPosition + repaired.Fetched - repaired.Received,
                    Repaired = repaired.Fetched,
                    DigestVerified = true,
                }),
            (PullPhase.Repairing, PullInput.Failed) => Rewind(state),
            (PullPhase.Rewinding, PullInput.Done) => NextPage(state),
            (PullPhase.Healing, PullInput.Healed healed) => OnHealed(state, healed),
            (PullPhase.Healing, PullInput.Failed failed) => Stop(state, failed.Failure),
            (PullPhase.Paging, PullInput.Page page) when IsOther(state, page.Value.Epoch) => Stop(state, SyncFailure.OtherHistory(page.Value.Epoch, null)),
            (PullPhase.Paging, PullInput.Failed { Failure.Kind: SyncFailureKind.HistoryChanged } changed) => OnHistoryChanged(state, changed.Failure),
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
            StreamMessage.Start { Epoch: { } epoch } when IsOther(state, epoch) => Stop(state, SyncFailure.OtherHistory(epoch, null)),
            StreamMessage.Start start when state.Phase == PullPhase.AwaitingStart
                => Receive(state with
                {
                    Phase = PullPhase.Streaming,
                    Announced = start.TotalEvents,
                    Total = TotalOf(state, start.TotalEvents),
                    Epoch = state.Epoch ?? start.Epoch,
                    StreamLogPosition = state.LogPosition,
                    History = state.Resumes == 0 ? start.HistoryEvents : state.History,
                }),
            StreamMessage.Batch batch when state.Phase == PullPhase.Streaming
                => OnBatch(state with { UnacknowledgedBytes = state.UnacknowledgedBytes + message.Bytes }, batch, message.Known),
            StreamMessage.Ready ready => OnReady(state, ready),
            StreamMessage.Complete { Epoch: { } epoch } when IsOther(state, epoch) => Stop(state, SyncFailure.OtherHistory(epoch, null)),
            StreamMessage.Complete complete when state.Phase == PullPhase.Streaming => OnComplete(state, complete, message.Digest),
            StreamMessage.Error { Code: ErrorCodes.HistoryChanged } error => OnHistoryChanged(state, SyncFailure.OtherHistory(error.Epoch, error.EventCount)),
            StreamMessage.Error { Code: ErrorCodes.StreamTimeout } error when state is { Phase: PullPhase.Streaming, MayResume: true } => Resume(state, error.Window),
            StreamMessage.Error error => FallBack(state, new SyncFailure(SyncFailureKind.ServerError, $"The stream ended in an error: {error.Text}", error.Code)),
            StreamMessage.Unknown => Ignore(state),
            _ => FallBack(state, Bad($"A {message.Value.GetType().Name.ToLowerInvariant()} message came out of turn.")),
        };

    private static Transition OnReady(PullState state, StreamMessage.Ready ready)
    {
        if (!state.Terms.Priority || state.IsInOrder || state.Phase != PullPhase.Streaming) return Ignore(state);
        return ready.ProcessedEvents == state.Streamed
            ? Receive(state with { IsReady = true, IsInOrder = true })
            : FallBack(state, Bad($"{state.Streamed} events came first, not {ready.ProcessedEvents}."));
    }

    private static Transition OnBatch(PullState state, StreamMessage.Batch batch, int known)
    {
        if (batch.BatchIndex < state.NextBatch)
        {
            // A window that the server sent again. What lies at or below the saved position is here already; a repetition that
            // reaches beyond it was cut differently, and only pages can tell what it lacks. That it came again may mean that an
            // acknowledgement was lost.
            return batch.Checkpoint > state.Position
                ? FallBack(state, Bad($"Batch {batch.BatchIndex} came again with other events."))
                : Ignore(state, acknowledge: state.Terms.Window is not null);
        }

        if (FaultOf(state, batch) is { } fault) return FallBack(state, Bad(fault));
        var events = batch.Events.Count + batch.References.Sum(static page => page.Count);
        if (state.Streamed + events > state.Announced + MaxSurplus) return Doubt(state, Bad($"More events came than the {state.Announced} announced."));

        var next = state with
        {
            NextBatch = batch.BatchIndex + 1,
            SawLast = batch.IsLast,
            IsInOrder = !batch.IsPriority,
            HasEarly = state.HasEarly || batch.IsPriority,
            IsCountable = state.IsCountable && batch is { IsPriority: false, Checkpoint: not null },
            IsComparable = state.IsComparable && !batch.IsPriority && (events == 0 || batch.Checkpoint > state.Position),
            Saving = (batch.IsPriority ? null : batch.Checkpoint, events),
        };
        if (batch.References.Count > 0) return FetchReference(next with { References = batch.References }, 0);
        return Save(next, batch.Events, known);
    }

    private static string? FaultOf(PullState state, StreamMessage.Batch batch)
    {
        if (batch.BatchIndex > state.NextBatch) return $"Batch {state.NextBatch} is missing: {batch.BatchIndex} came instead.";
        if (state.SawLast) return "A batch came after the last one.";
        if (batch.IsPriority && (!state.Terms.Priority || state.IsInOrder)) return $"Batch {batch.BatchIndex} came first, out of turn.";
        if (batch.Deltas.Count > 0) return $"Batch {batch.BatchIndex} has patches that were not asked for.";
        if (batch.References.Count > 0) return FaultOfReferences(state, batch);
        if (batch.Events.Count == 0 && !batch.IsLast) return $"Batch {batch.BatchIndex} is empty.";
        return !batch.IsPriority && batch.Checkpoint < state.Position ? $"The checkpoint of batch {batch.BatchIndex} lies before its events." : null;
    }

    private static string? FaultOfReferences(PullState state, StreamMessage.Batch batch)
    {
        if (!state.Terms.References) return $"Batch {batch.BatchIndex} has references that were not asked for.";
        if (batch.Events.Count > 0 || batch.IsPriority) return $"Batch {batch.BatchIndex} has references and something else.";
        var before = state.Position;
        foreach (var page in batch.References)
        {
            if (page.Checkpoint <= before) return $"The references of batch {batch.BatchIndex} do not rise.";
            before = page.Checkpoint;
        }

        return batch.Checkpoint == before ? null : $"The references of batch {batch.BatchIndex} do not lead to its checkpoint.";
    }

    private static Transition OnBatchSaved(PullState state, bool isLate)
    {
        if (state.Reference + 1 < state.References.Count) return FetchReference(state, state.Reference + 1);
        var (last, streaming) = (state.NextBatch - 1, state with { Phase = PullPhase.Streaming, References = [] });
        return IsAckDue(state, last, isLate) ? Receive(streaming, last) : Receive(streaming);
    }

    // A quarter of the window: early enough that a server which takes its time never waits for the news.
    private static bool IsAckDue(PullState state, int last, bool isLate)
        => state.Terms.Window is { } window
            && (isLate || last - state.Acknowledged >= StreamWindows.AckEvery(window) || state.UnacknowledgedBytes >= StreamWindows.AckBytes);

    private static Transition FetchReference(PullState state, int place)
        => (
            state with { Phase = PullPhase.FetchingReference, Reference = place, Saving = (state.References[place].Checkpoint, state.References[place].Count) },
            new PullCommand.FetchReference(state.References, place));

    private static Transition FetchRange(PullState state)
        => (state with { Phase = PullPhase.FetchingRange }, new PullCommand.FetchRange(state.Position, state.Saving.Events));

    private static bool IsRight(PullState state, PullInput.Referenced page)
        => page.Events.Count == state.Saving.Events && string.Equals(page.Digest, state.References[state.Reference].Digest, StringComparison.OrdinalIgnoreCase);

    private static Transition Save(PullState state, IReadOnlyList<SyncEvent> events, int known)
        => (state with { Phase = PullPhase.SavingBatch, SavingKnown = known }, new PullCommand.Save(events, state.Saving.Checkpoint));

    private static Transition OnComplete(PullState state, StreamMessage.Complete complete, string? digest)
    {
        if (state.Streamed != state.Announced || complete.ProcessedEvents != state.Streamed)
            return Doubt(state, Bad($"{state.Streamed} events came; {state.Announced} were announced and {complete.ProcessedEvents} sent."));
        if (!state.SawLast && state.Streamed > 0) return Doubt(state, Bad("The stream ended without its last batch."));
        if (complete.NewCheckpoint < state.Position) return Doubt(state, Bad("The new checkpoint lies before the events."));
        var verified = digest is not null && complete.Digest is not null;
        if (verified && !string.Equals(digest, complete.Digest, StringComparison.OrdinalIgnoreCase))
            return Doubt(state, Bad("The digest of the events is not the server's."));
        return (
            state with
            {
                Phase = PullPhase.SavingEnd,
                DigestVerified = verified && state.Unverified == 0,
                Saving = (complete.NewCheckpoint, 0),
                SavingKnown = 0,
                SavingTold = state.Terms.Compact ? complete.Position : state.StreamLogPosition + state.Announced ?? complete.Position,
                Epoch = state.Epoch ?? complete.Epoch,
            },
            new PullCommand.Save([], complete.NewCheckpoint));
    }

    private static Transition OnPage(PullState state, PullInput.Page input, RetryPolicy retry, double random)
    {
        var page = input.Value;

        // A log that ends before what the store holds is not the store's, even if that does not know its own: its clock may have run ahead.
        if (state.KnowsLog && page.Epoch is not null && page.NextCheckpoint < state.Position) return OnHistoryChanged(state, SyncFailure.OtherHistory(page.Epoch, null));
        if (page.NextCheckpoint < state.Position || page.HasMore && page.NextCheckpoint == state.Position)
            return OnPageFailed(state, Bad("A page does not lead beyond the checkpoint that it was asked for."), retry, random);
        var empty = page.Events.Count == 0 ? state.EmptyPages + 1 : 0;
        if (page.HasMore && empty > MaxEmptyPages) return OnPageFailed(state, Bad($"{MaxEmptyPages} pages in a row were empty, and more was to come."), retry, random);
        return (
            state with
            {
                Phase = PullPhase.SavingPage,
                LastPage = !page.HasMore,
                EmptyPages = empty,
                Failures = 0,
                SavingKnown = 0,
                SavingTold = page.Position,
                Epoch = state.Epoch ?? page.Epoch,
                Saving = (page.NextCheckpoint, page.Events.Count - input.Known),
            },
            new PullCommand.Save(page.Events, page.NextCheckpoint));
    }

    // The same log with another number of events: it was put back, and can be put right, once. Any other is not the client's to decide.
    private static Transition OnHistoryChanged(PullState state, SyncFailure failure)
        => !state.KnowsLog || state.Epoch is null || state.Epoch != failure.LogEpoch ? Stop(state, failure)
            : state.PushedAgain is not null ? Stop(state, SyncFailure.NotHealed("they differ again after it was tried."))
            : (state with { Phase = PullPhase.Healing }, new PullCommand.Heal());

    // From what both have in common all is asked for again, over the connection if there is one.
    private static Transition OnHealed(PullState state, PullInput.Healed healed)
    {
        var (begun, _) = Begin(healed.Common, state.Terms with { Priority = false }, new LogMark(state.Epoch, healed.Common.Events));
        begun = begun with { LogPosition = healed.Common.Events, OriginLogPosition = healed.Common.Events, PushedAgain = healed.PushedAgain, StreamFailure = state.StreamFailure };
        return state.OnRest || state.Terms.Endpoint == StreamEndpoint.None ? NextPage(begun)
            : (begun with { Phase = PullPhase.Opening }, new PullCommand.Open(null, begun.Position));
    }

    private static Transition Stop(PullState state, SyncFailure failure) => (state with { Phase = PullPhase.Failed }, new PullCommand.Fail(failure));

    private static bool IsOther(PullState state, string? epoch) => state is { KnowsLog: true, Epoch: not null } && epoch is not null && epoch != state.Epoch;

    private static Transition OnPageFailed(PullState state, SyncFailure failure, RetryPolicy retry, double random)
    {
        var failures = state.Failures + 1;
        return retry.Delay(failures, failure, random) is { } delay
            ? (state with { Phase = PullPhase.Waiting, Failures = failures }, new PullCommand.Wait(delay))
            : (state with { Phase = PullPhase.Failed, Failures = failures }, new PullCommand.Fail(failure));
    }

    private static Transition Receive(PullState state, int? acknowledge = null)
        => acknowledge is { } batch
            ? (state with { Acknowledged = batch, UnacknowledgedBytes = 0 }, new PullCommand.Receive(acknowledge))
            : (state, new PullCommand.Receive());

    private static Transition Ignore(PullState state, bool acknowledge = false)
        => state.IdleMessages < MaxIdleMessages
            ? Receive(state with { IdleMessages = state.IdleMessages + 1 }, acknowledge ? state.NextBatch - 1 : null)
            : FallBack(state, Bad($"{MaxIdleMessages} messages brought nothing new."));

    private static Transition Ask(PullState state)
        => state.Terms.Endpoint == StreamEndpoint.Negotiated
            ? (state with { Phase = PullPhase.Negotiating }, new PullCommand.Negotiate())
            : (state with { Phase = PullPhase.Opening }, new PullCommand.Open(null, state.Position));

    // Asks once more from what is saved. What came first is not asked for again once it is all here.
    private static Transition Resume(PullState state, int? window = null)
        => Ask(state with
        {
            Resumes = state.Resumes + 1,
            Terms = state.Terms with { Window = state.Terms.Window ?? window, Priority = state.Terms.Priority && !state.IsReady },
            Unverified = state.Unverified + state.Streamed,
            Announced = null,
            Streamed = 0,
            NextBatch = 0,
            Acknowledged = -1,
            UnacknowledgedBytes = 0,
            IsInOrder = false,
            SawLast = false,
        });

    // What is announced after a cut is what is left. Some of it may have come first: how much nobody knows, but the whole is the same.
    private static long TotalOf(PullState state, long announced)
        => state is { Resumes: > 0, Total: { } total } ? Math.Max(total, state.HasEarly ? 0 : state.Processed + announced) : announced;

    private static Transition FallBack(PullState state, SyncFailure failure) => NextPage(state with { StreamFailure = failure });

    // What was streamed is in doubt. Where its parts can be told, only the wrong ones are fetched anew; pages bring what follows.
    private static Transition Doubt(PullState state, SyncFailure failure)
    {
        var doubted = state with { OnRest = true, StreamFailure = failure };
        return state.IsComparable && state.Streamed > 0 ? (doubted with { Phase = PullPhase.Repairing }, new PullCommand.Repair()) : Rewind(doubted);
    }

    // Pages bring it all again from where the pull began.
    private static Transition Rewind(PullState state)
        => (
            state with
            {
                Phase = PullPhase.Rewinding,
                Position = state.Origin.Checkpoint,
                Processed = 0,
                LogPosition = state.OriginLogPosition,
                IsCountable = !state.Terms.Compact,
            },
            new PullCommand.Rewind(state.Origin));

    private static Transition NextPage(PullState state)
        => (state with { Phase = PullPhase.Paging, OnRest = true }, new PullCommand.FetchPage(state.Position));

    private static PullState Saved(PullState state)
        => state with
        {
            Position = state.Saving.Checkpoint ?? state.Position,
            Processed = state.Processed + state.Saving.Events - state.SavingKnown,
            LogPosition = state.LogPositionAfter,
            SavingTold = null,
        };

    private static SyncFailure Bad(string message) => new(SyncFailureKind.BadAnswer, message);
}
