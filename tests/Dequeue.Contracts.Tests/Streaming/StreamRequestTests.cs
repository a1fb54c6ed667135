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

    [Fact]
    public void Every_option_is_read_as_it_was_written()
    {
        var request = new StreamRequest(Checkpoint.FromTicks(638_999_999_999_999_999))
        {
            Encodings = ["br", "gzip"], Live = true, Window = 8, BatchSize = 100, Delta = true, References = true, Priority = new StreamPriority(["a", "é\""], true),
            Compact = new StreamCompact { Keep = ["task.activated", "\"é"] },
        };
        var read = Assert.IsType<StreamRequestReading.Accepted>(StreamRequest.Read(request.ToUtf8Bytes())).Request;
        Assert.Equivalent(request, read, strict: true);
    }

    [Theory]
    [InlineData("""{"window":0,"batchSize":0}""", 1, 1)]
    [InlineData("""{"window":-9223372036854775808,"batchSize":-1}""", 1, 1)]
    [InlineData("""{"window":9223372036854775807,"batchSize":1001}""", 1000, 1000)]
    [InlineData("""{"window":7,"batchSize":100}""", 7, 100)]
    public void Numbers_out_of_range_are_clamped(string json, int window, int batchSize)
    {
        var read = Assert.IsType<StreamRequestReading.Accepted>(StreamRequest.Read(Encoding.UTF8.GetBytes(json), typeIsKnown: true)).Request;
        Assert.Equal((window, batchSize), (read.Window, read.BatchSize));
    }

    [Fact]
    public void Options_that_are_null_count_as_absent()
    {
        var read = Assert.IsType<StreamRequestReading.Accepted>(StreamRequest.Read(
            """{"since":null,"encodings":null,"live":null,"window":null,"batchSize":null,"delta":null,"references":null,"priority":null,"compact":null}"""u8, typeIsKnown: true)).Request;
        Assert.Equivalent(new StreamRequest(Checkpoint.Beginning), read, strict: true);
    }

    [Theory]
    [InlineData("\"window\":1.5")]
    [InlineData("\"window\":\"8\"")]
    [InlineData("\"window\":[8]")]
    [InlineData("\"batchSize\":1e3000")]
    [InlineData("\"batchSize\":99999999999999999999")]
    [InlineData("\"delta\":1")]
    [InlineData("\"references\":\"true\"")]
    [InlineData("\"live\":{}")]
    [InlineData("\"encodings\":\"gzip\"")]
    [InlineData("\"encodings\":[5]")]
    [InlineData("\"encodings\":[\"\\ud800\"]")]
    [InlineData("\"priority\":true")]
    [InlineData("\"priority\":[]")]
    [InlineData("\"priority\":{\"entityIds\":[]}")]
    [InlineData("\"priority\":{\"entityIds\":[\"\"]}")]
    [InlineData("\"priority\":{\"entityIds\":[7]}")]
    [InlineData("\"priority\":{\"entityIds\":[[\"a\"]]}")]
    [InlineData("\"priority\":{\"active\":1}")]
    [InlineData("\"compact\":1")]
    [InlineData("\"compact\":\"true\"")]
    [InlineData("\"compact\":[\"task.created\"]")]
    [InlineData("\"compact\":{\"keep\":\"task.created\"}")]
    [InlineData("\"compact\":{\"keep\":[\"\"]}")]
    [InlineData("\"compact\":{\"keep\":[7]}")]
    [InlineData("\"compact\":{\"keep\":[\"\\ud800\"]}")]
    public void An_option_of_the_wrong_type_is_refused(string option)
    {
        var refused = Assert.IsType<StreamRequestReading.Refused>(Read($$"""{"type":"sync.stream.request",{{option}}}"""));
        Assert.Equal(ErrorCodes.InvalidRequest, refused.Code);
        Assert.Contains(option[1..option.IndexOf('"', 1)], refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("true", 0)]
    [InlineData("{}", 0)]
    [InlineData("""{"x":[1],"keep":null}""", 0)]
    [InlineData("""{"keep":[]}""", 0)]
    [InlineData("""{"keep":["task.\u0061ctivated","b"]}""", 2)]
    public void Compact_is_a_wish_or_names_types_to_keep(string compact, int types)
    {
        var read = Assert.IsType<StreamRequestReading.Accepted>(Read($$"""{"type":"sync.stream.request","compact":{{compact}}}""")).Request.Compact;
        Assert.Equal(types, read!.Keep.Count);
        if (types > 0) Assert.Equal("task.activated", read.Keep[0]);
        Assert.Null(Assert.IsType<StreamRequestReading.Accepted>(Read("""{"type":"sync.stream.request","compact":false}""")).Request.Compact);
    }

    [Fact]
    public void Types_to_keep_are_few_and_short()
    {
        Assert.IsType<StreamRequestReading.Accepted>(Read(Keep(Enumerable.Repeat(new string('x', 128), 100))));
        Assert.IsType<StreamRequestReading.Refused>(Read(Keep(Enumerable.Repeat("x", 101))));
        Assert.IsType<StreamRequestReading.Refused>(Read(Keep([new string('x', 129)])));

        static string Keep(IEnumerable<string> types)
            => $$$"""{"type":"sync.stream.request","compact":{"keep":[{{{string.Join(',', types.Select(type => $"\"{type}\""))}}}]}}""";
    }

    [Fact]
    public void Entity_ids_are_few_and_short()
    {
        Assert.IsType<StreamRequestReading.Accepted>(Read(Priority(Enumerable.Repeat(new string('x', 256), 100))));
        Assert.IsType<StreamRequestReading.Refused>(Read(Priority(Enumerable.Repeat("x", 101))));
        Assert.IsType<StreamRequestReading.Refused>(Read(Priority([new string('é', 129)])));

        static string Priority(IEnumerable<string> ids) => $$$"""{"type":"sync.stream.request","priority":{"entityIds":["{{{string.Join("\",\"", ids)}}}"]}}""";
    }

    [Theory]
    [InlineData("""{"type":"sync.stream.ack","batchIndex":3,"x":[{}]}""", true, 3)]
    [InlineData("""{"batchIndex":3,"type":"sync.stream.ack"}""", true, 3)]
    [InlineData("""{"type":"sync.stream.ack","batchIndex":-1}""", true, null)]
    [InlineData("""{"type":"sync.stream.ack","batchIndex":1.0}""", true, null)]
    [InlineData("""{"type":"sync.stream.ack"}""", true, null)]
    [InlineData("""{"type":"sync.stream.request","batchIndex":3}""", false, null)]
    [InlineData("""[]""", false, null)]
    [InlineData("""nonsense""", false, null)]
    public void An_acknowledgement_is_read(string json, bool isAck, int? batch)
    {
        Assert.Equal(batch, StreamAck.Read(Encoding.UTF8.GetBytes(json), typeIsKnown: false, out var isOne)?.BatchIndex);
        Assert.Equal(isAck, isOne);
    }

    private static StreamRequestReading Read(string json) => StreamRequest.Read(Encoding.UTF8.GetBytes(json));
}
