using Dequeue.Contracts;
using Dequeue.Functions.Streaming;

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
        => Assert.Equal(expected, Progress(window, window).WantedRoom);

    [Fact]
    public void The_room_is_what_the_window_leaves_of_what_was_not_acknowledged()
    {
        Assert.Equal(8, Progress(8, 0).Room);
        Assert.Equal(0, Progress(8, 8).Room);
        Assert.Equal(5, Progress(8, 8).Acknowledge(4).Room);
        Assert.Equal(int.MaxValue, Progress(null, 1_000_000).Room);
    }

    private static StreamProgress Progress(int? window, int sent)
        => new(new StreamTarget("c", false, "a", "u", "r") { Options = new StreamOptions(Window: window) }, Checkpoint.Beginning, 0, Checkpoint.Beginning, NextBatch: sent);
}
