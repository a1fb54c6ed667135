using Dequeue.Contracts.Streaming;

namespace Dequeue.Contracts.Tests.Streaming;

public sealed class StreamWindowsTests
{
    [Theory]
    [InlineData("gzip", 1000, 64)]
    [InlineData("br", 1000, 64)]
    [InlineData("lz4", 1000, 16)]
    [InlineData("gzip", 999, 64)]
    [InlineData("gzip", 500, 128)]
    [InlineData("gzip", 1, 1000)]
    public void A_window_has_as_many_events_whatever_their_batches(string encoding, int batchSize, int window)
        => Assert.Equal(window, StreamWindows.For([encoding], batchSize));

    [Theory]
    [InlineData(1, 1)]
    [InlineData(4, 1)]
    [InlineData(5, 2)]
    [InlineData(16, 4)]
    [InlineData(64, 16)]
    [InlineData(1000, 250)]
    public void A_quarter_of_it_is_acknowledged(int window, int every) => Assert.Equal(every, StreamWindows.AckEvery(window));
}
