using System.Text;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Contracts.Tests.Streaming;

public sealed class StreamRequestTests
{
    [Theory]
    [InlineData("""{"type":"sync.stream.request"}""", "1970-01-01T00:00:00.0000000Z")]
    [InlineData("""{"type":"sync.stream.request","since":null}""", "1970-01-01T00:00:00.0000000Z")]
    [InlineData("""{"type":"sync.stream.request","since":"1970-01-01T00:00:00Z"}""", "1970-01-01T00:00:00.0000000Z")]
    [InlineData("""{"since":"2026-11-22T08:15:30.1234567Z","type":"sync.stream.request","encodings":["gzip"],"x":{"type":"y"}}""", "2026-11-22T08:15:30.1234567Z")]
    [InlineData("""{"t\u0079pe":"sync.stream.r\u0065quest","since":"2026\u002d11-22T08:15:30Z"}""", "2026-11-22T08:15:30.0000000Z")]
    [InlineData("""{"\ud800":1,"type":"sync.stream.request"}""", "1970-01-01T00:00:00.0000000Z")]
    public void A_request_is_read(string json, string since)
        => Assert.Equal(since, Assert.IsType<StreamRequestReading.Accepted>(Read(json)).Request.Since.ToString());

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"type":"sync.stream.start"}""")]
    [InlineData("""{"type":5}""")]
    [InlineData("""{"type":"\ud800"}""")]
    [InlineData("""{"type":"sync.stream.request"}{}""")]
    [InlineData("""{"type":"sync.stream.request",}""")]
    public void What_is_no_request_is_invalid(string json)
        => Assert.Equal(ErrorCodes.InvalidRequest, Assert.IsType<StreamRequestReading.Refused>(Read(json)).Code);

    [Theory]
    [InlineData("5")]
    [InlineData("\"yesterday\"")]
    [InlineData("\"\"")]
    [InlineData("\"\\ud800\"")]
    [InlineData("{}")]
    [InlineData("false")]
    public void A_bad_since_has_its_own_code(string since)
        => Assert.Equal(
            ErrorCodes.InvalidCheckpoint,
            Assert.IsType<StreamRequestReading.Refused>(Read($$"""{"type":"sync.stream.request","since":{{since}}}""")).Code);

    [Fact]
    public void A_transport_that_names_the_event_needs_no_type()
    {
        Assert.IsType<StreamRequestReading.Accepted>(StreamRequest.Read("{}"u8, typeIsKnown: true));
        Assert.IsType<StreamRequestReading.Refused>(StreamRequest.Read("""{"type":"other"}"""u8, typeIsKnown: true));
    }

    private static StreamRequestReading Read(string json) => StreamRequest.Read(Encoding.UTF8.GetBytes(json));
}
