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
    private static readonly SyncFailure Broken = new(SyncFailureKind.Unreachable, "cut"), Final = new(SyncFailureKind.Refused, "no");
    private static readonly SyncEvent AnEvent = new("{}"u8.ToArray(), "a", null, 2, true);
    private static readonly PullInput Done = new PullInput.Done();

    private static readonly (string Row, PullState State, PullInput Input, PullPhase Next, PullCommand Command)[] PullCases =
    [
        ("P1", In(PullPhase.Negotiating), new PullInput.Negotiated(new Uri("ws://a/")), PullPhase.Opening, new PullCommand.Open(new Uri("ws://a/"), At(10))),
        ("P2", In(PullPhase.Negotiating), Failed(Final), PullPhase.Paging, Fetch(10)),
        ("P2", In(PullPhase.Opening), Failed(Broken), PullPhase.Paging, Fetch(10)),
        ("P2", In(PullPhase.AwaitingStart), Failed(Broken), PullPhase.Paging, Fetch(10)),
        ("P2", Streaming(2, At(12)), Failed(Broken), PullPhase.Paging, Fetch(12)),
        ("P3", In(PullPhase.Opening), new PullInput.Opened(), PullPhase.AwaitingStart, new PullCommand.Receive()),
        ("P4", In(PullPhase.AwaitingStart), Says(new StreamMessage.Start(4)), PullPhase.Streaming, new PullCommand.Receive()),
        ("P5", In(PullPhase.AwaitingStart), Says(Batch(0, 1)), PullPhase.Paging, Fetch(10)),
        ("P5", In(PullPhase.AwaitingStart), Says(new StreamMessage.Complete(0, At(10))), PullPhase.Paging, Fetch(10)),
        ("P6", In(PullPhase.AwaitingStart), Says(new StreamMessage.Error("x", "INTERNAL")), PullPhase.Paging, Fetch(10)),
        ("P6", Streaming(2, At(12)), Says(new StreamMessage.Error("x", "INTERNAL")), PullPhase.Paging, Fetch(12)),
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
        ("P14", Streaming(2, At(12)) with { Total = 2 }, Says(Batch(2, 13)), PullPhase.Rewinding, new PullCommand.Rewind(Origin)),
        ("P15", Streaming(2, At(12)) with { Phase = PullPhase.SavingBatch, Saving = (At(13), 1) }, Done, PullPhase.Streaming, new PullCommand.Receive()),
        ("P16", Finished, Says(new StreamMessage.Complete(4, At(20), "d"), "d"), PullPhase.SavingEnd, new PullCommand.Save([], At(20))),
        ("P16", Finished, Says(new StreamMessage.Complete(4, At(20)), "d"), PullPhase.SavingEnd, new PullCommand.Save([], At(20))),
        ("P16", In(PullPhase.Streaming) with { Total = 0 }, Says(new StreamMessage.Complete(0, At(10))), PullPhase.SavingEnd, new PullCommand.Save([], At(10))),
        ("P17", Finished, Says(new StreamMessage.Complete(3, At(20))), PullPhase.Rewinding, new PullCommand.Rewind(Origin)),
        ("P17", Finished with { Total = 5 }, Says(new StreamMessage.Complete(4, At(20))), PullPhase.Rewinding, new PullCommand.Rewind(Origin)),
        ("P17", Finished with { Total = 5 }, Says(new StreamMessage.Complete(5, At(20))), PullPhase.Rewinding, new PullCommand.Rewind(Origin)),
        ("P18", Finished with { SawLast = false }, Says(new StreamMessage.Complete(4, At(20))), PullPhase.Rewinding, new PullCommand.Rewind(Origin)),
        ("P19", Finished, Says(new StreamMessage.Complete(4, At(11))), PullPhase.Rewinding, new PullCommand.Rewind(Origin)),
        ("P20", Finished, Says(new StreamMessage.Complete(4, At(20), "e"), "d"), PullPhase.Rewinding, new PullCommand.Rewind(Origin)),
        ("P21", Finished with { Phase = PullPhase.SavingEnd, Saving = (At(20), 0) }, Done, PullPhase.Done, new PullCommand.Finish()),
        ("P22", In(PullPhase.Rewinding), Done, PullPhase.Paging, Fetch(10)),
        ("P23", In(PullPhase.Paging), Page(15, more: true), PullPhase.SavingPage, new PullCommand.Save([AnEvent], At(15))),
        ("P23", In(PullPhase.Paging), Page(10, more: false), PullPhase.SavingPage, new PullCommand.Save([AnEvent], At(10))),
        ("P24", In(PullPhase.Paging), Page(10, more: true), PullPhase.Failed, new PullCommand.Fail(null!)),
        ("P24", In(PullPhase.Paging), Page(9, more: false), PullPhase.Failed, new PullCommand.Fail(null!)),
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
    ];

    private static readonly (string Row, LiveState State, LiveInput Input, LiveState Next, LiveCommand Command)[] LiveCases =
    [
        ("L1", new(LivePhase.Opening, 2), new LiveInput.Opened(), new(LivePhase.CatchingUp, 2), new LiveCommand.CatchUp()),
        ("L2", new(LivePhase.Opening, 2), new LiveInput.Failed(Broken), new(LivePhase.Waiting, 3), new LiveCommand.Wait(TimeSpan.FromSeconds(2))),
        ("L2", new(LivePhase.CatchingUp, 0), new LiveInput.Failed(Broken), new(LivePhase.Waiting, 1), new LiveCommand.Wait(TimeSpan.FromSeconds(0.5))),
        ("L2", new(LivePhase.Listening, 90), new LiveInput.Failed(Broken), new(LivePhase.Waiting, 91), new LiveCommand.Wait(TimeSpan.FromSeconds(4))),
        ("L3", new(LivePhase.Opening, 0), new LiveInput.Failed(Final), new(LivePhase.Stopped, 0), new LiveCommand.Fail(Final)),
        ("L3", new(LivePhase.CatchingUp, 0), new LiveInput.Failed(Final), new(LivePhase.Stopped, 0), new LiveCommand.Fail(Final)),
        ("L3", new(LivePhase.Listening, 0), new LiveInput.Failed(Final), new(LivePhase.Stopped, 0), new LiveCommand.Fail(Final)),
        ("L4", new(LivePhase.CatchingUp, 3), new LiveInput.CaughtUp(), new(LivePhase.Listening, 3), new LiveCommand.Listen()),
        ("L5", new(LivePhase.Listening, 3), new LiveInput.Event(), new(LivePhase.Listening, 0), new LiveCommand.Listen()),
        ("L6", new(LivePhase.Listening, 3), new LiveInput.CatchUpDue(), new(LivePhase.CatchingUp, 0), new LiveCommand.CatchUp()),
        ("L7", new(LivePhase.Waiting, 3), new LiveInput.Waited(), new(LivePhase.Opening, 3), new LiveCommand.Open()),
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

        if (state.Phase != PullPhase.Paging && next.Phase is PullPhase.Paging or PullPhase.Rewinding) Assert.True(next.OnRest);
    }

    [Theory]
    [MemberData(nameof(LiveIndexes))]
    public void A_watch_goes_as_its_row_says(int index)
    {
        var (_, state, input, next, command) = LiveCases[index];
        Assert.Equal((next, command), LiveMachine.Next(state, input, Retry, random: 0.5));
    }

    [Fact]
    public void Every_row_of_the_document_has_a_case_and_every_case_a_row()
    {
        var rows = RowNumber().Matches(File.ReadAllText(Document())).Select(match => match.Groups[1].Value).ToHashSet();
        Assert.Equal(rows.Order(), PullCases.Select(one => one.Row).Concat(LiveCases.Select(one => one.Row)).ToHashSet().Order());
    }

    [Fact]
    public void A_pair_without_a_row_throws()
    {
        Assert.Throws<InvalidOperationException>(() => PullMachine.Next(In(PullPhase.Paging), new PullInput.Opened(), Retry, 0));
        Assert.Throws<InvalidOperationException>(() => PullMachine.Next(In(PullPhase.SavingBatch), Failed(Broken), Retry, 0));
        Assert.Throws<InvalidOperationException>(() => LiveMachine.Next(new LiveState(LivePhase.Waiting, 0), new LiveInput.Opened(), Retry, 0));
    }

    [Fact]
    public void A_batch_that_was_saved_moves_the_position_and_the_counts()
    {
        var saving = Streaming(2, At(12)) with { Phase = PullPhase.SavingBatch, Saving = (At(13), 1) };

        var (next, _) = PullMachine.Next(saving, Done, Retry, 0);
        var (rewound, _) = PullMachine.Next(next, Says(new StreamMessage.Complete(9, At(20))), Retry, 0);

        Assert.Equal((At(13), 3L, 3L), (next.Position, next.Processed, next.Streamed));
        Assert.Equal(At(12), PullMachine.Next(saving with { Saving = (null, 1) }, Done, Retry, 0).State.Position);
        Assert.Equal((At(10), 0L), (rewound.Position, rewound.Processed));
    }

    [Fact]
    public void A_page_that_was_saved_forgives_the_failures_before_it()
        => Assert.Equal(0, PullMachine.Next(In(PullPhase.Paging) with { Failures = 2 }, Page(15, more: true), Retry, 0).State.Failures);

    private static PullState Finished => Streaming(4, At(12)) with { SawLast = true };

    private static Checkpoint At(int second) => Checkpoint.FromTicks(DateTime.UnixEpoch.Ticks + second * TimeSpan.TicksPerSecond);

    private static PullState In(PullPhase phase) => new(phase, Origin, Origin.Checkpoint);

    private static PullState Streaming(int batches, Checkpoint position)
        => In(PullPhase.Streaming) with { Total = 4, NextBatch = batches, Streamed = batches, Processed = batches, Position = position };

    private static StreamMessage.Batch Batch(int index, int? second) => new([AnEvent], index, false, second is { } at ? At(at) : null);

    private static PullInput.Message Says(StreamMessage message, string? digest = null) => new(message, digest);

    private static PullInput.Failed Failed(SyncFailure failure) => new(failure);

    private static PullInput.Page Page(int next, bool more) => new(new EventPageBody([AnEvent], At(next), more));

    private static PullCommand.FetchPage Fetch(int second) => new(At(second));

    private static string Document()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, "docs", "client-states.md");
            if (File.Exists(path)) return path;
        }

        throw new FileNotFoundException("docs/client-states.md");
    }

    [GeneratedRegex(@"^\| ([PL]\d+) \|", RegexOptions.Multiline)]
    private static partial Regex RowNumber();
}
