using System.Text.RegularExpressions;
using Dequeue.Client.Live;
using Dequeue.Client.Pulling;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Rest;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Client.Tests.Pulling;

/// <summary>One case for each numbered row of docs/client-states.md.</summary>
public sealed partial class PullMachineTests
{
    private static readonly RetryPolicy Retry = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(60), MaxAttempts: 3);
    private static readonly StorePosition Origin = new(At(10), 7);
    private static readonly SyncFailure Broken = new(SyncFailureKind.Unreachable, "cut"), Final = new(SyncFailureKind.Refused, "no"),
        Silent = new(SyncFailureKind.TimedOut, "silent");
    private static readonly SyncEvent AnEvent = new("{}"u8.ToArray(), "a", null, 2, true);
    private static readonly PullInput Done = new PullInput.Done();
    private static readonly PageReference[] Pages = [new("https://a/1", At(13), 1, "d1"), new("https://a/2", At(14), 2, "d2")];
    private static readonly PullCommand Repair = new PullCommand.Repair(), Rewind = new PullCommand.Rewind(Origin);

    private static readonly (string Row, PullState State, PullInput Input, PullPhase Next, PullCommand Command)[] PullCases =
    [
        ("P1", In(PullPhase.Negotiating), new PullInput.Negotiated(new Uri("ws://a/")), PullPhase.Opening, new PullCommand.Open(new Uri("ws://a/"), At(10))),
        ("P2", In(PullPhase.Negotiating), Failed(Final), PullPhase.Paging, Fetch(10)),
        ("P2", In(PullPhase.Opening), Failed(Broken), PullPhase.Paging, Fetch(10)),
        ("P2", In(PullPhase.AwaitingStart) with { Resumes = 1 }, Failed(Broken), PullPhase.Paging, Fetch(10)),
        ("P2", In(PullPhase.AwaitingStart), Failed(Silent), PullPhase.Paging, Fetch(10)),
        ("P2", Streaming(2, At(12)) with { Resumes = 1 }, Failed(Broken), PullPhase.Paging, Fetch(12)),
        ("P2", Streaming(2, At(12)), Failed(Final), PullPhase.Paging, Fetch(12)),
        ("P3", In(PullPhase.Opening), new PullInput.Opened(), PullPhase.AwaitingStart, new PullCommand.Receive()),
        ("P4", In(PullPhase.AwaitingStart), Says(new StreamMessage.Start(4)), PullPhase.Streaming, new PullCommand.Receive()),
        ("P5", In(PullPhase.AwaitingStart), Says(Batch(0, 1)), PullPhase.Paging, Fetch(10)),
        ("P5", In(PullPhase.AwaitingStart), Says(new StreamMessage.Complete(0, At(10))), PullPhase.Paging, Fetch(10)),
        ("P6", In(PullPhase.AwaitingStart), Says(new StreamMessage.Error("x", "INTERNAL")), PullPhase.Paging, Fetch(10)),
        ("P6", Streaming(2, At(12)), Says(new StreamMessage.Error("x", "INTERNAL")), PullPhase.Paging, Fetch(12)),
        ("P6", In(PullPhase.AwaitingStart), Says(Silence), PullPhase.Paging, Fetch(10)),
        ("P6", Streaming(2, At(12)) with { Resumes = 1 }, Says(Silence), PullPhase.Paging, Fetch(12)),
        ("P7", In(PullPhase.AwaitingStart), Says(new StreamMessage.Unknown("x")), PullPhase.AwaitingStart, new PullCommand.Receive()),
        ("P7", Streaming(2, At(12)), Says(new StreamMessage.Unknown("x")), PullPhase.Streaming, new PullCommand.Receive()),
        ("P8", Streaming(2, At(12)), Says(new StreamMessage.Start(4)), PullPhase.Paging, Fetch(12)),
        ("P9", Streaming(2, At(12)), Says(Batch(2, 14)), PullPhase.SavingBatch, new PullCommand.Save([AnEvent], At(14))),
        ("P9", Streaming(2, At(12)), Says(Batch(2, null)), PullPhase.SavingBatch, new PullCommand.Save([AnEvent], null)),
        ("P10", Streaming(2, At(12)), Says(Batch(1, 12)), PullPhase.Streaming, new PullCommand.Receive()),
        ("P10", Streaming(2, At(12)), Says(Batch(0, null)), PullPhase.Streaming, new PullCommand.Receive()),
        ("P11", Streaming(2, At(12)), Says(Batch(1, 13)), PullPhase.Paging, Fetch(12)),
        ("P12", Streaming(2, At(12)), Says(Batch(3, 13)), PullPhase.Paging, Fetch(12)),
        ("P13", Streaming(2, At(12)) with { SawLast = true }, Says(Batch(2, 13)), PullPhase.Paging, Fetch(12)),
        ("P13", Streaming(2, At(12)), Says(new StreamMessage.Batch([], 2, false, At(13))), PullPhase.Paging, Fetch(12)),
        ("P13", Streaming(2, At(12)), Says(Batch(2, 11)), PullPhase.Paging, Fetch(12)),
        ("P14", Streaming(2, At(12)) with { Streamed = 1004 }, Says(Batch(2, 13)), PullPhase.Repairing, Repair),
        ("P14", Unsure(Streaming(2, At(12)) with { Streamed = 1004 }), Says(Batch(2, 13)), PullPhase.Rewinding, Rewind),
        ("P15", Streaming(2, At(12)) with { Phase = PullPhase.SavingBatch, Saving = (At(13), 1) }, Done, PullPhase.Streaming, new PullCommand.Receive()),
        ("P16", Finished, Says(new StreamMessage.Complete(4, At(20), "d"), "d"), PullPhase.SavingEnd, new PullCommand.Save([], At(20))),
        ("P16", Finished, Says(new StreamMessage.Complete(4, At(20)), "d"), PullPhase.SavingEnd, new PullCommand.Save([], At(20))),
        ("P16", In(PullPhase.Streaming) with { Announced = 0 }, Says(new StreamMessage.Complete(0, At(10))), PullPhase.SavingEnd, new PullCommand.Save([], At(10))),
        ("P17", Finished, Says(new StreamMessage.Complete(3, At(20))), PullPhase.Repairing, Repair),
        ("P17", Unsure(Finished), Says(new StreamMessage.Complete(3, At(20))), PullPhase.Rewinding, Rewind),
        ("P17", Finished with { Announced = 5 }, Says(new StreamMessage.Complete(4, At(20))), PullPhase.Repairing, Repair),
        ("P17", Unsure(Finished with { Announced = 5 }), Says(new StreamMessage.Complete(4, At(20))), PullPhase.Rewinding, Rewind),
        ("P17", Finished with { Announced = 5 }, Says(new StreamMessage.Complete(5, At(20))), PullPhase.Repairing, Repair),
        ("P17", Unsure(Finished with { Announced = 5 }), Says(new StreamMessage.Complete(5, At(20))), PullPhase.Rewinding, Rewind),
        ("P18", Finished with { SawLast = false }, Says(new StreamMessage.Complete(4, At(20))), PullPhase.Repairing, Repair),
        ("P18", Unsure(Finished with { SawLast = false }), Says(new StreamMessage.Complete(4, At(20))), PullPhase.Rewinding, Rewind),
        ("P19", Finished, Says(new StreamMessage.Complete(4, At(11))), PullPhase.Repairing, Repair),
        ("P19", Unsure(Finished), Says(new StreamMessage.Complete(4, At(11))), PullPhase.Rewinding, Rewind),
        ("P20", Finished, Says(new StreamMessage.Complete(4, At(20), "e"), "d"), PullPhase.Repairing, Repair),
        ("P20", Unsure(Finished), Says(new StreamMessage.Complete(4, At(20), "e"), "d"), PullPhase.Rewinding, Rewind),
        ("P21", Finished with { Phase = PullPhase.SavingEnd, Saving = (At(20), 0) }, Done, PullPhase.Done, new PullCommand.Finish()),
        ("P22", In(PullPhase.Rewinding), Done, PullPhase.Paging, Fetch(10)),
        ("P23", In(PullPhase.Paging), Page(15, more: true), PullPhase.SavingPage, new PullCommand.Save([AnEvent], At(15))),
        ("P23", In(PullPhase.Paging), Page(10, more: false), PullPhase.SavingPage, new PullCommand.Save([AnEvent], At(10))),
        ("P24", In(PullPhase.Paging), Page(10, more: true), PullPhase.Failed, new PullCommand.Fail(null!)),
        ("P24", In(PullPhase.Paging), Page(9, more: false), PullPhase.Failed, new PullCommand.Fail(null!)),
        ("P24", In(PullPhase.Paging) with { EmptyPages = PullMachine.MaxEmptyPages }, EmptyPage(15), PullPhase.Failed, new PullCommand.Fail(null!)),
        ("P23", In(PullPhase.Paging) with { EmptyPages = PullMachine.MaxEmptyPages - 1 }, EmptyPage(15), PullPhase.SavingPage, new PullCommand.Save([], At(15))),
        ("P25", In(PullPhase.SavingPage) with { Saving = (At(15), 1) }, Done, PullPhase.Paging, Fetch(15)),
        ("P26", In(PullPhase.SavingPage) with { Saving = (At(15), 1), LastPage = true }, Done, PullPhase.Done, new PullCommand.Finish()),
        ("P27", In(PullPhase.Paging), Failed(Broken), PullPhase.Waiting, new PullCommand.Wait(TimeSpan.FromSeconds(0.5))),
        ("P27", In(PullPhase.Paging) with { Failures = 1 }, Failed(Broken), PullPhase.Waiting, new PullCommand.Wait(TimeSpan.FromSeconds(1))),
        ("P27", In(PullPhase.Paging), Failed(Broken with { RetryAfter = TimeSpan.FromSeconds(60) }), PullPhase.Waiting, new PullCommand.Wait(TimeSpan.FromSeconds(60.05))),
        ("P28", In(PullPhase.Paging), Failed(Final), PullPhase.Failed, new PullCommand.Fail(Final)),
        ("P28", In(PullPhase.Paging) with { Failures = 2 }, Failed(Broken), PullPhase.Failed, new PullCommand.Fail(Broken)),
        ("P28", In(PullPhase.Paging), Failed(Broken with { RetryAfter = TimeSpan.FromSeconds(61) }), PullPhase.Failed, new PullCommand.Fail(Broken with { RetryAfter = TimeSpan.FromSeconds(61) })),
        ("P29", In(PullPhase.Waiting), Done, PullPhase.Paging, Fetch(10)),
        ("P30", Streaming(2, At(12)) with { IdleMessages = 1000 }, Says(new StreamMessage.Unknown("x")), PullPhase.Paging, Fetch(12)),
        ("P30", Streaming(2, At(12)) with { IdleMessages = 1000 }, Says(Batch(1, 12)), PullPhase.Paging, Fetch(12)),
        ("P10", Asked(Streaming(2, At(12)), new(StreamEndpoint.Negotiated, Window: 8)), Says(Batch(1, 12)), PullPhase.Streaming, new PullCommand.Receive(1)),
        ("P31", Windowed(batches: 2, window: 7, acknowledged: -1), Done, PullPhase.Streaming, new PullCommand.Receive(1)),
        ("P31", Windowed(batches: 7, window: 12, acknowledged: 3), Done, PullPhase.Streaming, new PullCommand.Receive(6)),
        ("P31", Windowed(batches: 1, window: 64, acknowledged: -1), new PullInput.Done(AcknowledgesLate: true), PullPhase.Streaming, new PullCommand.Receive(0)),
        ("P31", Windowed(batches: 1, window: 64, acknowledged: -1) with { UnacknowledgedBytes = 1 << 20 }, Done, PullPhase.Streaming, new PullCommand.Receive(0)),
        ("P15", Windowed(batches: 1, window: 64, acknowledged: -1) with { UnacknowledgedBytes = (1 << 20) - 1 }, Done, PullPhase.Streaming, new PullCommand.Receive()),
        ("P15", Streaming(2, At(12)) with { Phase = PullPhase.SavingBatch }, new PullInput.Done(AcknowledgesLate: true), PullPhase.Streaming, new PullCommand.Receive()),
        ("P31", Windowed(batches: 1, window: 1, acknowledged: -1), Done, PullPhase.Streaming, new PullCommand.Receive(0)),
        ("P15", Windowed(batches: 1, window: 7, acknowledged: -1), Done, PullPhase.Streaming, new PullCommand.Receive()),
        ("P32", First(2), Says(Batch(2, 10) with { IsPriority = true }), PullPhase.SavingBatch, new PullCommand.Save([AnEvent], null)),
        ("P9", First(2), Says(Batch(2, 13)), PullPhase.SavingBatch, new PullCommand.Save([AnEvent], At(13))),
        ("P33", Streaming(2, At(12)), Says(Batch(2, 10) with { IsPriority = true }), PullPhase.Paging, Fetch(12)),
        ("P33", First(2) with { IsInOrder = true }, Says(Batch(2, 10) with { IsPriority = true }), PullPhase.Paging, Fetch(10)),
        ("P34", First(2), Says(new StreamMessage.Ready(2)), PullPhase.Streaming, new PullCommand.Receive()),
        ("P34", First(0), Says(new StreamMessage.Ready(0)), PullPhase.Streaming, new PullCommand.Receive()),
        ("P35", First(2), Says(new StreamMessage.Ready(3)), PullPhase.Paging, Fetch(10)),
        ("P36", Streaming(2, At(12)), Says(new StreamMessage.Ready(3)), PullPhase.Streaming, new PullCommand.Receive()),
        ("P36", First(2) with { IsInOrder = true }, Says(new StreamMessage.Ready(3)), PullPhase.Streaming, new PullCommand.Receive()),
        ("P36", Asked(In(PullPhase.AwaitingStart), Priority), Says(new StreamMessage.Ready(0)), PullPhase.AwaitingStart, new PullCommand.Receive()),
        ("P37", Streaming(2, At(12)), Says(Batch(2, 13) with { Deltas = [0] }), PullPhase.Paging, Fetch(12)),
        ("P38", Referring, Says(Referred(14)), PullPhase.FetchingReference, new PullCommand.FetchReference(Pages, 0)),
        ("P39", Streaming(2, At(12)), Says(Referred(14)), PullPhase.Paging, Fetch(12)),
        ("P39", Referring, Says(Referred(15)), PullPhase.Paging, Fetch(12)),
        ("P39", Referring, Says(Referred(null)), PullPhase.Paging, Fetch(12)),
        ("P39", Referring, Says(Referred(14) with { Events = [AnEvent] }), PullPhase.Paging, Fetch(12)),
        ("P39", Referring with { Position = At(13) }, Says(Referred(14)), PullPhase.Paging, Fetch(13)),
        ("P39", Referring, Says(Referred(13) with { References = [Pages[1], Pages[0]] }), PullPhase.Paging, Fetch(12)),
        ("P40", Fetching(PullPhase.FetchingReference), Came("D1"), PullPhase.SavingBatch, new PullCommand.Save([AnEvent], At(13))),
        ("P41", Fetching(PullPhase.FetchingReference), Came("d2"), PullPhase.FetchingRange, new PullCommand.FetchRange(At(12), 1)),
        ("P41", Fetching(PullPhase.FetchingReference), Came("d1", AnEvent), PullPhase.FetchingRange, new PullCommand.FetchRange(At(12), 1)),
        ("P41", Fetching(PullPhase.FetchingReference), Failed(Final), PullPhase.FetchingRange, new PullCommand.FetchRange(At(12), 1)),
        ("P42", Fetching(PullPhase.FetchingRange), Came("d1"), PullPhase.SavingBatch, new PullCommand.Save([AnEvent], At(13))),
        ("P43", Fetching(PullPhase.FetchingRange), Came("d2"), PullPhase.Paging, Fetch(12)),
        ("P43", Fetching(PullPhase.FetchingRange), Failed(Broken), PullPhase.Paging, Fetch(12)),
        ("P44", Fetching(PullPhase.SavingBatch), Done, PullPhase.FetchingReference, new PullCommand.FetchReference(Pages, 1)),
        ("P15", Fetching(PullPhase.SavingBatch) with { Reference = 1 }, Done, PullPhase.Streaming, new PullCommand.Receive()),
        ("P45", Finished with { Phase = PullPhase.Repairing, OnRest = true }, new PullInput.Repaired(3, 4), PullPhase.Paging, Fetch(12)),
        ("P47", Streaming(2, At(12)), Failed(Broken), PullPhase.Negotiating, new PullCommand.Negotiate()),
        ("P47", In(PullPhase.AwaitingStart), Failed(Broken), PullPhase.Negotiating, new PullCommand.Negotiate()),
        ("P47", Streaming(0, At(10)), Failed(Silent), PullPhase.Negotiating, new PullCommand.Negotiate()),
        ("P47", Asked(Streaming(2, At(12)), new(StreamEndpoint.Gateway)), Failed(Broken), PullPhase.Opening, new PullCommand.Open(null, At(12))),
        ("P48", Streaming(2, At(12)), Says(Silence), PullPhase.Negotiating, new PullCommand.Negotiate()),
        ("P46", Finished with { Phase = PullPhase.Repairing, OnRest = true }, Failed(Broken), PullPhase.Rewinding, Rewind),
        ("P49", Known(In(PullPhase.AwaitingStart)), Says(Changed("e")), PullPhase.Healing, new PullCommand.Heal()),
        ("P49", Known(Streaming(2, At(12))), Says(Changed("e")), PullPhase.Healing, new PullCommand.Heal()),
        ("P49", Known(In(PullPhase.Paging)), Failed(SyncFailure.OtherHistory("e", 5)), PullPhase.Healing, new PullCommand.Heal()),
        ("P50", Known(In(PullPhase.AwaitingStart)), Says(Changed("f")), PullPhase.Failed, new PullCommand.Fail(SyncFailure.OtherHistory("f", 5))),
        ("P50", Known(In(PullPhase.AwaitingStart)), Says(Changed(null)), PullPhase.Failed, new PullCommand.Fail(SyncFailure.OtherHistory(null, 5))),
        ("P50", Known(In(PullPhase.AwaitingStart)) with { Epoch = null }, Says(Changed("e")), PullPhase.Failed, new PullCommand.Fail(SyncFailure.OtherHistory("e", 5))),
        ("P50", In(PullPhase.AwaitingStart), Says(Changed("e")), PullPhase.Failed, new PullCommand.Fail(SyncFailure.OtherHistory("e", 5))),
        ("P50", Known(In(PullPhase.Paging)), Failed(SyncFailure.OtherHistory("f", 5)), PullPhase.Failed, new PullCommand.Fail(SyncFailure.OtherHistory("f", 5))),
        ("P50", Known(In(PullPhase.Paging)) with { PushedAgain = 0 }, Failed(SyncFailure.OtherHistory("e", 5)), PullPhase.Failed, new PullCommand.Fail(SyncFailure.NotHealed("they differ again after it was tried."))),
        ("P50", Known(In(PullPhase.Paging)) with { Epoch = null }, new PullInput.Page(new EventPageBody([], At(9), false) { Epoch = "e" }), PullPhase.Failed, new PullCommand.Fail(SyncFailure.OtherHistory("e", null))),
        ("P49", Known(In(PullPhase.Paging)), new PullInput.Page(new EventPageBody([], At(9), false) { Epoch = "e" }), PullPhase.Healing, new PullCommand.Heal()),
        ("P51", Known(In(PullPhase.Negotiating)), new PullInput.Negotiated(new Uri("ws://a/"), "f"), PullPhase.Failed, new PullCommand.Fail(SyncFailure.OtherHistory("f", null))),
        ("P51", Known(In(PullPhase.AwaitingStart)), Says(new StreamMessage.Start(4, Epoch: "f")), PullPhase.Failed, new PullCommand.Fail(SyncFailure.OtherHistory("f", null))),
        ("P51", Known(Finished), Says(new StreamMessage.Complete(4, At(20), "d", Epoch: "f"), "d"), PullPhase.Failed, new PullCommand.Fail(SyncFailure.OtherHistory("f", null))),
        ("P51", Known(In(PullPhase.Paging)), new PullInput.Page(new EventPageBody([], At(15), false) { Epoch = "f" }), PullPhase.Failed, new PullCommand.Fail(SyncFailure.OtherHistory("f", null))),
        ("P1", Known(In(PullPhase.Negotiating)), new PullInput.Negotiated(new Uri("ws://a/"), "e"), PullPhase.Opening, new PullCommand.Open(new Uri("ws://a/"), At(10))),
        ("P1", In(PullPhase.Negotiating) with { Epoch = "e" }, new PullInput.Negotiated(new Uri("ws://a/"), "f"), PullPhase.Opening, new PullCommand.Open(new Uri("ws://a/"), At(10))),
        ("P52", Known(In(PullPhase.Healing)), new PullInput.Healed(new StorePosition(At(5), 3), 2), PullPhase.Opening, new PullCommand.Open(null, At(5))),
        ("P53", Known(In(PullPhase.Healing)) with { OnRest = true }, new PullInput.Healed(new StorePosition(At(5), 3), 2), PullPhase.Paging, Fetch(5)),
        ("P54", Known(In(PullPhase.Healing)), Failed(Broken), PullPhase.Failed, new PullCommand.Fail(Broken)),
    ];

    private static PullState Known(PullState state) => state with { KnowsLog = true, Epoch = "e", LogPosition = 7, OriginLogPosition = 7, StreamLogPosition = 7 };

    private static StreamMessage.Error Changed(string? epoch) => new("changed", ErrorCodes.HistoryChanged) { Epoch = epoch, EventCount = 5 };

    private static readonly LiveTerms Terms = new(
        Streams: true, Retry, Retry with { MaxDelay = TimeSpan.FromSeconds(64) }, Poll: TimeSpan.FromSeconds(4), MaxPoll: TimeSpan.FromSeconds(32));

    private static readonly SyncFailure Verdict = new(SyncFailureKind.Refused, "no", "INVALID_REQUEST");

    private static readonly (string Row, LiveState State, LiveInput Input, LiveState Next, LiveCommand Command)[] LiveCases =
    [
        ("L1", new(LivePhase.Syncing, 2, 3, 4), new LiveInput.Live(), new(LivePhase.Listening, 0, 3), new LiveCommand.Listen()),
        ("L2", new(LivePhase.Syncing), new LiveInput.Paged(true, Broken), Waiting(0.5, until: 0.5, stream: 1), Wait(0.5)),
        ("L2", new(LivePhase.Syncing, 2, 5), new LiveInput.Paged(true, Broken), Waiting(3, until: 16, stream: 6), Wait(3)),
        ("L2", new(LivePhase.Syncing, 0, 9, 1), new LiveInput.Paged(false, Broken), Waiting(12, until: 32, stream: 10, quiet: 2), Wait(12)),
        ("L2", new(LivePhase.Syncing), new LiveInput.Paged(true, Broken with { RetryAfter = TimeSpan.FromSeconds(60) }), Waiting(3, 60.05, 1), Wait(3)),
        ("L3", Polling(3, until: 16, stream: 6, quiet: 0), new LiveInput.Paged(false), Waiting(6, until: 13, stream: 6, quiet: 1), Wait(6)),
        ("L3", Polling(6, until: 13, stream: 6, quiet: 1), new LiveInput.Paged(false), Waiting(7, until: 7, stream: 6, quiet: 2), Wait(7)),
        ("L3", Polling(6, until: 13, stream: 6, quiet: 1), new LiveInput.Paged(true), Waiting(3, until: 7, stream: 6), Wait(3)),
        ("L3", Polling(6, until: 90, stream: 6, quiet: 30), new LiveInput.Paged(false), Waiting(24, until: 84, stream: 6, quiet: 31), Wait(24)),
        ("L4", new(LivePhase.Syncing, 2), new LiveInput.Failed(Broken), Waiting(2, until: 2, failures: 3), Wait(2)),
        ("L4", new(LivePhase.Syncing, 90), new LiveInput.Failed(Final), Waiting(4, until: 4, failures: 91), Wait(4)),
        ("L4", Polling(6, until: 90, stream: 6), new LiveInput.Failed(Broken), Waiting(0.5, until: 0.5, stream: 6, failures: 1), Wait(0.5)),
        ("L5", new(LivePhase.Listening), new LiveInput.Failed(Broken), Waiting(0.5, until: 0.5, stream: 1), Wait(0.5)),
        ("L5", new(LivePhase.Listening, 0, 5), new LiveInput.Failed(Broken), Waiting(3, until: 16, stream: 6), Wait(3)),
        ("L6", new(LivePhase.Syncing), new LiveInput.Failed(Verdict), new(LivePhase.Stopped), new LiveCommand.Fail(Verdict)),
        ("L6", new(LivePhase.Polling), new LiveInput.Failed(Verdict), new(LivePhase.Stopped), new LiveCommand.Fail(Verdict)),
        ("L7", new(LivePhase.Listening, 0, 3, 0, TimeSpan.FromSeconds(1)), new LiveInput.Batch(), new(LivePhase.Listening), new LiveCommand.Listen()),
        ("L8", new(LivePhase.Listening, 0, 3), new LiveInput.Renew(), new(LivePhase.Syncing), new LiveCommand.Sync()),
        ("L9", Waiting(3, until: 3, stream: 6), new LiveInput.Waited(), Waiting(3, until: 3, stream: 6) with { Phase = LivePhase.Syncing }, new LiveCommand.Sync()),
        ("L10", Waiting(3, until: 4, stream: 6), new LiveInput.Waited(), Polling(3, until: 4, stream: 6), new LiveCommand.Poll()),
    ];

    public static TheoryData<int> PullIndexes => [.. Enumerable.Range(0, PullCases.Length)];

    public static TheoryData<int> LiveIndexes => [.. Enumerable.Range(0, LiveCases.Length)];

    [Theory]
    [MemberData(nameof(PullIndexes))]
    public void A_pull_goes_as_its_row_says(int index)
    {
        var (row, state, input, phase, command) = PullCases[index];

        var (next, done) = PullMachine.Next(state, input, Retry, random: 0.5);

        Assert.True(phase == next.Phase, $"{row}: {next.Phase}");
        Assert.IsType(command.GetType(), done);
        switch (command, done)
        {
            case (PullCommand.FetchReference wanted, PullCommand.FetchReference fetch):
                Assert.Equal(wanted.Pages, fetch.Pages);
                Assert.Equal(wanted.Place, fetch.Place);
                break;
            case (PullCommand.Save wanted, PullCommand.Save save):
                Assert.Equal(wanted.Events, save.Events);
                Assert.Equal(wanted.Checkpoint, save.Checkpoint);
                break;
            case (PullCommand.Fail { Failure: null }, PullCommand.Fail fail):
                Assert.Equal(SyncFailureKind.BadAnswer, fail.Failure.Kind);
                break;
            default:
                Assert.Equal(command, done);
                break;
        }

        if (state.Phase != PullPhase.Paging && next.Phase is PullPhase.Paging or PullPhase.Rewinding or PullPhase.Repairing) Assert.True(next.OnRest);
    }

    [Theory]
    [MemberData(nameof(LiveIndexes))]
    public void A_watch_goes_as_its_row_says(int index)
    {
        var (_, state, input, next, command) = LiveCases[index];
        Assert.Equal((next, command), LiveMachine.Next(state, input, Terms, random: 0.5));
    }

    [Fact]
    public void What_is_left_of_a_history_is_never_compared_part_by_part()
    {
        var (state, _) = PullMachine.Begin(Origin, new PullTerms(StreamEndpoint.Negotiated, Compact: true));
        Assert.False(state.IsComparable);
        Assert.True(PullMachine.Begin(Origin, new PullTerms(StreamEndpoint.Negotiated)).State.IsComparable);
        (state, _) = PullMachine.Next(state with { Phase = PullPhase.AwaitingStart }, Says(new StreamMessage.Start(4, HistoryEvents: 9)), Retry, 0);
        Assert.Equal(9, state.History);

        // What is announced after a cut is of the rest alone.
        (state, _) = PullMachine.Next(state with { Phase = PullPhase.AwaitingStart, Resumes = 1 }, Says(new StreamMessage.Start(2, HistoryEvents: 3)), Retry, 0);
        Assert.Equal(9, state.History);
    }

    [Fact]
    public void Every_row_of_the_document_has_a_case_and_every_case_a_row()
    {
        var rows = RowNumber().Matches(File.ReadAllText(Repository.File("docs", "client-states.md"))).Select(match => match.Groups[1].Value).ToHashSet();
        Assert.Equal(rows.Order(), PullCases.Select(one => one.Row).Concat(LiveCases.Select(one => one.Row)).ToHashSet().Order());
    }

    [Fact]
    public void What_is_saved_is_counted_against_the_log_and_said_when_it_is_asked()
    {
        var (state, _) = PullMachine.Begin(new StorePosition(At(10), 7), new PullTerms(StreamEndpoint.Negotiated), new LogMark(null, 9));
        Assert.Equal(new HistoryClaim(null, 9), state.Claim);
        (state, _) = PullMachine.Next(state, new PullInput.Negotiated(new Uri("ws://a/")), Retry, 0);
        (state, _) = PullMachine.Next(state, new PullInput.Opened(), Retry, 0);
        (state, _) = PullMachine.Next(state, Says(new StreamMessage.Start(1, Epoch: "e")), Retry, 0);
        (state, _) = PullMachine.Next(state, Says(Batch(0, 12) with { IsLast = true }), Retry, 0);
        Assert.Equal(new LogMark("e", 10), state.SavingMark);
        (state, _) = PullMachine.Next(state, Done, Retry, 0);
        Assert.Equal(new HistoryClaim("e", 10), state.Claim);
        (state, _) = PullMachine.Next(state, Says(new StreamMessage.Complete(1, At(12), Epoch: "e")), Retry, 0);
        Assert.Equal(new LogMark("e", 10), state.SavingMark);

        // What came first cannot be counted until the end tells; a page may tell it too.
        var early = Known(Streaming(2, At(12))) with { IsCountable = false, Saving = (At(13), 1), Phase = PullPhase.SavingBatch };
        Assert.Null(early.SavingMark.Position);
        Assert.Equal(11, (Known(Streaming(4, At(12))) with { IsCountable = false, Announced = 4, Saving = (At(13), 0), SavingTold = 11 }).SavingMark.Position);
        Assert.Null(PullMachine.Next(early, Done, Retry, 0).State.Claim.Position);
        var page = new PullInput.Page(new EventPageBody([AnEvent], At(15), false) { Position = 42 });
        Assert.Equal(42, PullMachine.Next(Known(In(PullPhase.Paging)) with { LogPosition = null }, page, Retry, 0).State.SavingMark.Position);
        Assert.Equal(0, PullMachine.Begin(new StorePosition(Checkpoint.Beginning, 0), new PullTerms(StreamEndpoint.None), default(LogMark)).State.Claim.Position);
        Assert.True(PullMachine.Begin(Origin, new PullTerms(StreamEndpoint.None)).State.Claim.IsEmpty);
    }

    [Fact]
    public void A_pair_without_a_row_throws()
    {
        Assert.Throws<InvalidOperationException>(() => PullMachine.Next(In(PullPhase.Paging), new PullInput.Opened(), Retry, 0));
        Assert.Throws<InvalidOperationException>(() => PullMachine.Next(In(PullPhase.SavingBatch), Failed(Broken), Retry, 0));
        Assert.Throws<InvalidOperationException>(() => LiveMachine.Next(new LiveState(LivePhase.Waiting), new LiveInput.Live(), Terms, 0));
    }

    [Fact]
    public void A_watch_without_a_stream_polls_alone()
    {
        var terms = Terms with { Streams = false };
        var (state, command) = LiveMachine.Begin(terms);
        for (var i = 0; i < 5; i++)
        {
            Assert.IsType<LiveCommand.Poll>(command);
            (state, command) = LiveMachine.Next(state, new LiveInput.Paged(Brought: false), terms, 0.5);
            Assert.IsType<LiveCommand.Wait>(command);
            (state, command) = LiveMachine.Next(state, new LiveInput.Waited(), terms, 0.5);
        }
    }

    [Fact]
    public void Empty_pages_with_rising_checkpoints_come_to_an_end_and_a_page_with_an_event_begins_anew()
    {
        var (state, pages) = (In(PullPhase.Paging), 0);
        for (; state.Phase == PullPhase.Paging; pages++)
        {
            (state, _) = PullMachine.Next(state, EmptyPage(11 + pages), Retry, 0);
            if (state.Phase == PullPhase.SavingPage) (state, _) = PullMachine.Next(state, Done, Retry, 0);
        }

        Assert.Equal((PullPhase.Failed, PullMachine.MaxEmptyPages + 1), (state.Phase, pages));
        Assert.Equal(0, PullMachine.Next(In(PullPhase.Paging) with { EmptyPages = 99 }, Page(15, more: true), Retry, 0).State.EmptyPages);
    }

    [Fact]
    public void A_batch_that_was_saved_moves_the_position_and_the_counts()
    {
        var saving = Streaming(2, At(12)) with { Phase = PullPhase.SavingBatch, Saving = (At(13), 1) };

        var (next, _) = PullMachine.Next(saving, Done, Retry, 0);
        var (rewound, _) = PullMachine.Next(Unsure(next), Says(new StreamMessage.Complete(9, At(20))), Retry, 0);

        Assert.Equal((At(13), 3L, 3L), (next.Position, next.Processed, next.Streamed));
        Assert.Equal(At(12), PullMachine.Next(saving with { Saving = (null, 1) }, Done, Retry, 0).State.Position);
        Assert.Equal((At(10), 0L), (rewound.Position, rewound.Processed));
    }

    [Fact]
    public void What_comes_first_is_counted_once_and_moves_no_position()
    {
        var (saving, _) = PullMachine.Next(First(2), Says(Batch(2, 10) with { IsPriority = true }), Retry, 0);
        var (saved, _) = PullMachine.Next(saving, Done, Retry, 0);
        var (ready, _) = PullMachine.Next(saved, Says(new StreamMessage.Ready(3)), Retry, 0);
        var (paging, _) = PullMachine.Next(ready, Failed(Final), Retry, 0);
        var (page, _) = PullMachine.Next(paging, new PullInput.Page(new EventPageBody([AnEvent, AnEvent], At(20), false), Known: 1), Retry, 0);
        var (done, _) = PullMachine.Next(page, Done, Retry, 0);

        Assert.Equal((At(10), 3L, 3L, false), (saved.Position, saved.Processed, saved.Streamed, saved.IsReady));
        Assert.True(ready.IsReady);
        Assert.Equal((At(20), 4L), (done.Position, done.Processed));
    }

    [Fact]
    public void After_a_cut_the_stream_counts_anew_and_the_pull_goes_on()
    {
        var cut = Asked(Streaming(2, At(12)), new(StreamEndpoint.Negotiated, Window: 8)) with { Acknowledged = 1, SawLast = true, UnacknowledgedBytes = 9 };
        var (asked, _) = PullMachine.Next(cut, Failed(Broken), Retry, 0);
        var (opening, open) = PullMachine.Next(asked, new PullInput.Negotiated(new Uri("ws://a/")), Retry, 0);
        var (waiting, _) = PullMachine.Next(opening, new PullInput.Opened(), Retry, 0);
        var (started, _) = PullMachine.Next(waiting, Says(new StreamMessage.Start(3)), Retry, 0);
        var (saving, _) = PullMachine.Next(started, Says(Batch(0, 13)), Retry, 0);
        var (saved, _) = PullMachine.Next(saving, Done, Retry, 0);

        Assert.Equal(new PullCommand.Open(new Uri("ws://a/"), At(12)), open);
        Assert.Equal((2L, 4L, SyncTransport.Stream), (asked.Processed, asked.Total!.Value, asked.Transport));
        Assert.Equal((3L, 5L, 2L), (started.Announced!.Value, started.Total!.Value, started.Processed));
        Assert.Equal((3L, 1L, 1, -1, false), (saved.Processed, saved.Streamed, saved.NextBatch, saved.Acknowledged, saved.SawLast));
    }

    [Fact]
    public void The_total_after_a_cut_is_never_smaller_than_before()
    {
        var (asked, _) = PullMachine.Next(Streaming(2, At(12)), Failed(Broken), Retry, 0);
        var waiting = asked with { Phase = PullPhase.AwaitingStart };

        Assert.Equal(4, PullMachine.Next(waiting, Says(new StreamMessage.Start(1)), Retry, 0).State.Total);
        Assert.Equal(4, PullMachine.Next(waiting with { HasEarly = true }, Says(new StreamMessage.Start(4)), Retry, 0).State.Total);
    }

    [Fact]
    public void What_came_first_and_comes_again_after_a_cut_is_counted_once()
    {
        var (cut, _) = PullMachine.Next(First(2) with { IsReady = true, IsInOrder = true, HasEarly = true }, Failed(Broken), Retry, 0);
        var streaming = cut with { Phase = PullPhase.Streaming, Announced = 4 };
        var (saving, _) = PullMachine.Next(streaming, new PullInput.Message(Batch(0, 13) with { Events = [AnEvent, AnEvent] }, Known: 1), Retry, 0);
        var (saved, _) = PullMachine.Next(saving, Done, Retry, 0);

        Assert.False(cut.Terms.Priority);
        Assert.True(PullMachine.Next(First(1), Failed(Broken), Retry, 0).State.Terms.Priority);
        Assert.Equal((3L, 2L), (saved.Processed, saved.Streamed));
    }

    [Fact]
    public void What_came_before_a_cut_is_not_said_to_be_verified()
    {
        var (next, _) = PullMachine.Next(Finished with { Unverified = 1 }, Says(new StreamMessage.Complete(4, At(20), "d"), "d"), Retry, 0);
        Assert.Equal((PullPhase.SavingEnd, false), (next.Phase, next.DigestVerified));
        Assert.Equal(2, PullMachine.Next(Streaming(2, At(12)), Failed(Broken), Retry, 0).State.Unverified);
    }

    [Fact]
    public void A_stream_that_wants_a_window_is_asked_again_with_the_one_it_names()
    {
        Assert.Equal(16, PullMachine.Next(Streaming(2, At(12)), Says(Silence), Retry, 0).State.Terms.Window);
        Assert.Equal(8, PullMachine.Next(Asked(Streaming(2, At(12)), new(StreamEndpoint.Negotiated, Window: 8)), Says(Silence), Retry, 0).State.Terms.Window);
    }

    [Fact]
    public void Only_what_leads_from_one_checkpoint_to_the_next_can_be_compared()
    {
        Assert.True(After(Streaming(2, At(12)), Batch(2, 13)).IsComparable);
        Assert.True(After(Streaming(2, At(12)), Batch(2, 12) with { Events = [], IsLast = true }).IsComparable);
        Assert.False(After(Streaming(2, At(12)), Batch(2, 12)).IsComparable);
        Assert.False(After(Streaming(2, At(12)), Batch(2, null)).IsComparable);
        Assert.False(After(First(2), Batch(2, 10) with { IsPriority = true }).IsComparable);
        Assert.False(After(Unsure(Streaming(2, At(12))), Batch(2, 13)).IsComparable);
        Assert.False(PullMachine.Begin(Origin, new PullTerms(StreamEndpoint.Negotiated, Digests: false)).State.IsComparable);

        static PullState After(PullState state, StreamMessage.Batch batch) => PullMachine.Next(state, Says(batch), Retry, 0).State;
    }

    [Fact]
    public void A_repair_corrects_the_counts()
    {
        var (next, _) = PullMachine.Next(Finished with { Phase = PullPhase.Repairing }, new PullInput.Repaired(3, 5), Retry, 0);
        Assert.Equal((6L, 5L, true), (next.Processed, next.Repaired, next.DigestVerified));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(1000)]
    public void Fewer_batches_than_the_window_are_ever_kept_back(int window)
    {
        var state = Windowed(batches: 1, window, acknowledged: -1);
        for (var index = 0; index < 3000; index++)
        {
            (state, var command) = PullMachine.Next(state with { NextBatch = index + 1, Phase = PullPhase.SavingBatch }, Done, Retry, 0);
            if (command is PullCommand.Receive { Acknowledge: { } acknowledged }) Assert.Equal(index, acknowledged);
            Assert.InRange(index - state.Acknowledged, 0, window - 1);
        }

        Assert.InRange(state.Acknowledged, 2998 - window / 4, 2999);
    }

    [Fact]
    public void A_page_that_was_saved_forgives_the_failures_before_it()
        => Assert.Equal(0, PullMachine.Next(In(PullPhase.Paging) with { Failures = 2 }, Page(15, more: true), Retry, 0).State.Failures);

    private static PullState Finished => Streaming(4, At(12)) with { SawLast = true };

    private static Checkpoint At(int second) => Checkpoint.FromTicks(DateTime.UnixEpoch.Ticks + second * TimeSpan.TicksPerSecond);

    private static PullState In(PullPhase phase) => new(phase, Origin, Origin.Checkpoint, new PullTerms(StreamEndpoint.Negotiated));

    private static StreamMessage.Error Silence => new("x", "STREAM_TIMEOUT", At(12), 16);

    private static PullTerms Priority => new(StreamEndpoint.Negotiated, Priority: true);

    private static PullState Referring => Asked(Streaming(2, At(12)) with { Announced = 5 }, new PullTerms(StreamEndpoint.Negotiated, References: true));

    private static PullState Asked(PullState state, PullTerms terms) => state with { Terms = terms };

    private static PullState Unsure(PullState state) => state with { IsComparable = false };

    private static PullState First(int batches) => Asked(Streaming(batches, At(10)), Priority);

    private static PullState Windowed(int batches, int window, int acknowledged)
        => Asked(Streaming(batches, At(12)), new PullTerms(StreamEndpoint.Negotiated, Window: window)) with
        {
            Phase = PullPhase.SavingBatch,
            Saving = (At(13), 1),
            Acknowledged = acknowledged,
        };

    private static LiveState Waiting(double delay, double until, int stream = 0, int quiet = 0, int failures = 0)
        => new(LivePhase.Waiting, failures, stream, quiet, TimeSpan.FromSeconds(delay), TimeSpan.FromSeconds(until));

    private static LiveState Polling(double delay, double until, int stream, int quiet = 0)
        => Waiting(delay, until, stream, quiet) with { Phase = LivePhase.Polling };

    private static LiveCommand.Wait Wait(double delay) => new(TimeSpan.FromSeconds(delay));

    private static PullState Fetching(PullPhase phase) => Referring with { Phase = phase, References = Pages, Saving = (At(13), 1) };

    private static StreamMessage.Batch Referred(int? second) => Batch(2, second) with { Events = [], References = Pages };

    private static PullInput.Referenced Came(string digest, params SyncEvent[] more) => new([AnEvent, .. more], digest);

    private static PullState Streaming(int batches, Checkpoint position)
        => In(PullPhase.Streaming) with { Total = 4, Announced = 4, NextBatch = batches, Streamed = batches, Processed = batches, Position = position };

    private static StreamMessage.Batch Batch(int index, int? second) => new([AnEvent], index, false, second is { } at ? At(at) : null);

    private static PullInput.Message Says(StreamMessage message, string? digest = null) => new(message, digest);

    private static PullInput.Failed Failed(SyncFailure failure) => new(failure);

    private static PullInput.Page EmptyPage(int next) => new(new EventPageBody([], At(next), true));

    private static PullInput.Page Page(int next, bool more) => new(new EventPageBody([AnEvent], At(next), more));

    private static PullCommand.FetchPage Fetch(int second) => new(At(second));

    [GeneratedRegex(@"^\| ([PL]\d+) \|", RegexOptions.Multiline)]
    private static partial Regex RowNumber();
}
