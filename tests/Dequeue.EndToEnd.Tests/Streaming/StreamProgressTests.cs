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
        Assert.True((Progress(window, window) with { Acknowledged = expected }).HasRoomAgain);
        Assert.False((Progress(window, window) with { Acknowledged = expected - 1 }).HasRoomAgain);
    }

    [Fact]
    public void Bytes_bound_what_is_ahead_too_and_half_of_them_are_waited_for()
    {
        var full = Sent(Progress(64, 0), 12, 1024 * 1024);

        Assert.Equal((12L * 1024 * 1024, 0, false), (full.AheadBytes, full.Room, full.NeedsWindow));
        Assert.Equal((6L * 1024 * 1024, 58, true), (full.Acknowledge(5).AheadBytes, full.Acknowledge(5).Room, full.Acknowledge(5).HasRoomAgain));
        Assert.False(full.Acknowledge(4).HasRoomAgain);
        Assert.Equal(full, full.Acknowledge(5) with { Acknowledged = 0, Ahead = full.Ahead });
    }

    [Fact]
    public void A_stream_without_a_window_ends_before_Web_PubSub_has_more_than_it_holds()
    {
        var progress = Sent(Progress(null, 0), 11, 1024 * 1024);

        Assert.Equal((false, int.MaxValue), (progress.NeedsWindow, progress.Room));
        Assert.Equal((true, 0, 1), (Sent(progress, 1, 1024 * 1024).NeedsWindow, Sent(progress, 1, 1024 * 1024).Room, progress.Ahead.Count));
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
        Assert.Equal((0L, false, 3), (old.AheadBytes, old.NeedsWindow, old.NextBatch));
    }

    [Fact]
    public void The_room_is_what_the_window_leaves_of_what_was_not_acknowledged()
    {
        Assert.Equal(8, Progress(8, 0).Room);
        Assert.Equal(0, Progress(8, 8).Room);
        Assert.Equal(5, Progress(8, 8).Acknowledge(4).Room);
        Assert.Equal(int.MaxValue, Progress(null, 1_000_000).Room);
    }

    private static StreamProgress Sent(StreamProgress progress, int batches, long bytes)
    {
        for (var i = 0; i < batches; i++)
            progress = progress.Sent(new StreamBatch(progress.NextBatch, false, [], default) { References = [new PageReference("", Checkpoint.Beginning, 1, "")] }, bytes);
        return progress;
    }

    private static StreamProgress Progress(int? window, int sent)
        => new(new StreamTarget("c", false, "a", "u", "r") { Options = new StreamOptions(Window: window) }, new StreamPlan(Checkpoint.Beginning, Checkpoint.Beginning, 0, 0), Checkpoint.Beginning, IsReady: true, NextBatch: sent);
}
