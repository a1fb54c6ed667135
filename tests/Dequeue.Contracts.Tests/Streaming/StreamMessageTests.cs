using System.Text;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Contracts.Tests.Streaming;

/// <summary>Golden JSON: what stands on the wire, to the byte. A change here is a change for every client.</summary>
public sealed class StreamMessageTests
{
    private static readonly Checkpoint At = Checkpoint.FromTicks(new DateTime(2026, 11, 22, 8, 15, 30, DateTimeKind.Utc).Ticks + 1234567);

    [Fact]
    public void Request() => Is("""{"type":"sync.stream.request","since":"2026-11-22T08:15:30.1234567Z"}""", new StreamRequest(At).ToUtf8Bytes());

    [Fact]
    public void Start() => Is("""{"type":"sync.stream.start","totalEvents":9007199254740993}""", new StreamMessage.Start(9007199254740993).ToUtf8Bytes());

    [Fact]
    public void Complete()
        => Is("""{"type":"sync.stream.complete","processedEvents":2,"newCheckpoint":"2026-11-22T08:15:30.1234567Z"}""", new StreamMessage.Complete(2, At).ToUtf8Bytes());

    [Fact]
    public void Complete_with_digest()
        => Is(
            """{"type":"sync.stream.complete","processedEvents":2,"newCheckpoint":"2026-11-22T08:15:30.1234567Z","digest":"ab"}""",
            new StreamMessage.Complete(2, At, "ab").ToUtf8Bytes());

    [Fact]
    public void Error()
        => Is("""{"type":"sync.stream.error","error":"Say \"when\" <é>","code":"INTERNAL"}""", new StreamMessage.Error("Say \"when\" <é>", ErrorCodes.Internal).ToUtf8Bytes());

    [Fact]
    public void Error_that_says_how_to_go_on()
        => Is(
            """{"type":"sync.stream.error","error":"x","code":"STREAM_TIMEOUT","checkpoint":"2026-11-22T08:15:30.1234567Z","window":16}""",
            new StreamMessage.Error("x", ErrorCodes.StreamTimeout, At, 16).ToUtf8Bytes());

    [Theory]
    [InlineData(0, false, """{"type":"sync.stream.batch","batchIndex":0,"isLast":false,"checkpoint":"2026-11-22T08:15:30.1234567Z","events":[{"id":"a"},{"id":"b"}]}""")]
    [InlineData(int.MaxValue, true, """{"type":"sync.stream.batch","batchIndex":2147483647,"isLast":true,"checkpoint":"2026-11-22T08:15:30.1234567Z","events":[{"id":"a"},{"id":"b"}]}""")]
    public void Batch(int index, bool isLast, string golden)
    {
        Is(golden, [.. BatchFrame.Prefix(new BatchHead(index, isLast, At)), .. """{"id":"a"},{"id":"b"}"""u8, .. BatchFrame.Suffix]);
    }

    [Fact]
    public void A_batch_says_what_its_options_add()
        => Is(
            """{"type":"sync.stream.batch","batchIndex":1,"isLast":false,"checkpoint":"2026-11-22T08:15:30.1234567Z","priority":true,"reset":true,"deltas":[0,2],"references":[{"url":"https://x/y?z=1&sig=a%2B","checkpoint":"2026-11-22T08:15:30.1234567Z","count":5,"digest":"ab"}],"events":[]}""",
            [.. BatchFrame.Prefix(new BatchHead(1, false, At)
            {
                IsPriority = true,
                ForgetsStates = true,
                Deltas = [0, 2],
                References = [new PageReference("https://x/y?z=1&sig=a%2B", At, 5, "ab")],
            }), .. BatchFrame.Suffix]);

    [Fact]
    public void Ready() => Is("""{"type":"sync.stream.ready","processedEvents":3}""", new StreamMessage.Ready(3).ToUtf8Bytes());

    [Fact]
    public void Start_tells_what_was_chosen()
        => Is("""{"type":"sync.stream.start","totalEvents":7,"encoding":"br","priorityEvents":2}""", new StreamMessage.Start(7, BatchEncodings.Brotli, 2).ToUtf8Bytes());

    [Fact]
    public void A_compact_start_tells_what_it_is_left_of()
        => Is("""{"type":"sync.stream.start","totalEvents":7,"historyEvents":9007199254740993}""", new StreamMessage.Start(7, HistoryEvents: 9007199254740993).ToUtf8Bytes());

    [Fact]
    public void Ack() => Is("""{"type":"sync.stream.ack","batchIndex":4}""", new StreamAck(4).ToUtf8Bytes());

    private static void Is(string golden, byte[] written) => Assert.Equal(golden, Encoding.UTF8.GetString(written));
}
