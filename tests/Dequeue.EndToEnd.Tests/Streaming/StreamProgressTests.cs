using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Dequeue.Functions.Streaming;
using Dequeue.Sync.Streaming;

namespace Dequeue.EndToEnd.Tests.Streaming;

public sealed class StreamProgressTests
{
    [Theory]
    [InlineData(0, 10, 0, 1)]
    [InlineData(0, 10, 9, 10)]
    [InlineData(0, 10, 10, 0)]
    [InlineData(0, 10, int.MaxValue, 0)]
    [InlineData(5, 10, 3, 5)]
    [InlineData(5, 10, 4, 5)]
    [InlineData(5, 10, 5, 6)]
    [InlineData(0, 0, 0, 0)]
    public void An_acknowledgement_counts_when_it_is_of_a_batch_that_was_sent_and_says_something_new(int acknowledged, int sent, int batchIndex, int expected)
        => Assert.Equal(expected, (Progress(8, sent) with { Acknowledged = acknowledged }).Acknowledge(batchIndex).Acknowledged);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(8, 4)]
    [InlineData(40, 20)]
    [InlineData(1000, 20)]
    public void The_room_that_is_waited_for_is_half_the_window_and_no_more_than_one_step_sends(int window, int expected)
    {
        Assert.True((Progress(window, window) with { Acknowledged = expected }).Window.HasRoomAgain);
        Assert.False((Progress(window, window) with { Acknowledged = expected - 1 }).Window.HasRoomAgain);
    }

    [Fact]
    public void Bytes_bound_what_is_ahead_too_and_half_of_them_are_waited_for()
    {
        var full = Sent(Progress(64, 0), 12, 1024 * 1024);

        Assert.Equal((12L * 1024 * 1024, 0, false), (full.Window.AheadBytes, full.Window.Room, full.Window.IsMissing));
        Assert.Equal((6L * 1024 * 1024, 58, true), (full.Acknowledge(5).Window.AheadBytes, full.Acknowledge(5).Window.Room, full.Acknowledge(5).Window.HasRoomAgain));
        Assert.False(full.Acknowledge(4).Window.HasRoomAgain);
        Assert.Equal(full, full.Acknowledge(5) with { Acknowledged = 0, Ahead = full.Ahead });
    }

    [Fact]
    public void A_stream_without_a_window_ends_before_Web_PubSub_has_more_than_it_holds()
    {
        var progress = Sent(Progress(null, 0), 11, 1024 * 1024);

        Assert.Equal((false, int.MaxValue), (progress.Window.IsMissing, progress.Window.Room));
        Assert.Equal((true, 0, 1), (Sent(progress, 1, 1024 * 1024).Window.IsMissing, Sent(progress, 1, 1024 * 1024).Window.Room, progress.Ahead.Count));
    }

    [Theory]
    [InlineData(null, 1000, true, 16)]
    [InlineData("gzip", 1000, true, 64)]
    [InlineData("gzip", 10, false, 1000)]
    public void The_end_of_a_stream_without_a_window_says_from_where_and_with_which(string? encoding, int batchSize, bool isReady, int window)
    {
        var options = new StreamOptions(encoding, BatchSize: batchSize);
        var progress = Progress(null, 3) with { Position = Checkpoint.FromTicks(Checkpoint.Beginning.Ticks + 5), IsReady = isReady };

        var failure = StreamFailure.WindowRequired(progress with { Target = progress.Target with { Options = options } });

        Assert.Equal((ErrorCodes.StreamTimeout, window), (failure.Code, failure.Window));
        Assert.Equal(isReady ? progress.Position : Checkpoint.Beginning, failure.ResumeAt);
    }

    [Fact]
    public void The_progress_of_an_older_version_has_no_bytes_and_goes_on()
    {
        var old = JsonSerializer.Deserialize<StreamProgress>(JsonSerializer.Serialize(Progress(null, 3)).Replace(",\"Ahead\":[]", "", StringComparison.Ordinal))!;
        Assert.Equal((0L, false, 3), (old.Window.AheadBytes, old.Window.IsMissing, old.NextBatch));
    }

    [Fact]
    public void The_room_is_what_the_window_leaves_of_what_was_not_acknowledged()
    {
        Assert.Equal(8, Progress(8, 0).Window.Room);
        Assert.Equal(0, Progress(8, 8).Window.Room);
        Assert.Equal(5, Progress(8, 8).Acknowledge(4).Window.Room);
        Assert.Equal(int.MaxValue, Progress(null, 1_000_000).Window.Room);
    }

    [Fact]
    public void What_comes_next_is_told_by_how_far_it_has_come()
    {
        Assert.IsType<StreamStep.Send>(StreamStep.After(Progress(8, 0), isWaiting: false));
        Assert.IsType<StreamStep.Send>(StreamStep.After(Progress(8, 7), isWaiting: false));
        Assert.IsType<StreamStep.Wait>(StreamStep.After(Progress(8, 8), isWaiting: false));

        // Who waits does so until half the window is free.
        Assert.IsType<StreamStep.Wait>(StreamStep.After(Progress(8, 8).Acknowledge(2), isWaiting: true));
        Assert.IsType<StreamStep.Send>(StreamStep.After(Progress(8, 8).Acknowledge(3), isWaiting: true));
        var unheard = Sent(Progress(null, 0) with { Plan = Progress(null, 1_000).Plan }, 12, 1024 * 1024);
        Assert.Equal(ErrorCodes.StreamTimeout, Assert.IsType<StreamStep.Fail>(StreamStep.After(unheard, isWaiting: false)).Failure.Code);

        // The end comes before anything that would hold it up.
        Assert.IsType<StreamStep.Complete>(StreamStep.After(Progress(8, 8) with { SentEvents = 9 }, isWaiting: true));
        Assert.IsType<StreamStep.Complete>(StreamStep.After(unheard with { SentEvents = 1_001 }, isWaiting: false));
        Assert.IsType<StreamStep.Complete>(StreamStep.After(Progress(8, 8) with { HasGone = true }, isWaiting: true));
        Assert.IsType<StreamStep.Wait>(StreamStep.After(Progress(8, 8) with { SentEvents = 9, IsReady = false }, isWaiting: false));
    }

    [Fact]
    public void The_progress_that_an_earlier_version_stored_is_read()
    {
        const string stored = """
            {"Target":{"ConnectionId":"c","SpeaksJson":true,"App":"a","User":"u","RequestId":"r","Trace":{"Parent":null,"AskedAt":"2026-11-28T00:00:00+00:00","IsDurable":true},
            "Options":{"Encoding":"gzip","IsLive":false,"Window":16,"BatchSize":1000,"Delta":false,"References":false,"Priority":null,"Compact":null,"TellsPosition":true},"Group":"stream.c","InstanceId":"stream-c"},
            "Plan":{"Since":"0001-01-01T00:00:00Z","End":"2026-11-28T00:00:01Z","TotalEvents":50000,"EndPosition":50000,"Priority":null,"PriorityEvents":null,"Compact":null,"HistoryEvents":null,
            "Digest":null,"Bytes":30000000,"SealedThrough":"0001-01-01T00:00:00Z","Epoch":"e","IsOtherHistory":false},
            "Position":"2026-11-28T00:00:00Z","IsReady":true,"NextBatch":16,"SentEvents":16000,"SentBytes":1300000,"HasGone":false,"Digest":null,"Acknowledged":4,
            "Ahead":[1,2,3,4,5,6,7,8,9,10,11,12],"ReferencesThrough":"0001-01-01T00:00:00Z"}
            """;
        var progress = JsonSerializer.Deserialize<StreamProgress>(stored)!;

        Assert.Equal(("c", true, "gzip", 16), (progress.Target.ConnectionId, progress.Target.SpeaksJson, progress.Target.Options.Encoding, progress.Target.Options.Window));
        Assert.Equal((16, 16_000L, 1_300_000L, true, false), (progress.NextBatch, progress.SentEvents, progress.SentBytes, progress.IsReady, progress.HasGone));
        Assert.Equal((4, 78L), (progress.Window.Room, progress.Window.AheadBytes));
        Assert.Equal(2026, new DateTime(progress.Position.Ticks).Year);
    }

    private static StreamProgress Sent(StreamProgress progress, int batches, long bytes)
    {
        for (var i = 0; i < batches; i++)
            progress = progress.Sent(new StreamBatch(progress.NextBatch, false, [], default) { References = [new PageReference("", Checkpoint.Beginning, 1, "")] }, bytes);
        return progress;
    }

    private static StreamProgress Progress(int? window, int sent)
        => new(
            new StreamTarget { ConnectionId = "c", App = "a", User = "u", RequestId = "r", Options = new StreamOptions(Window: window) },
            new StreamPlan(Checkpoint.Beginning, Checkpoint.Beginning, sent + 1, sent + 1))
        {
            IsReady = true, NextBatch = sent, SentEvents = sent,
        };
}
