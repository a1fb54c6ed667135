using System.Text;
using System.Text.Json;
using CsCheck;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Contracts.Tests.Streaming;

public sealed class StreamMessageReaderTests
{
    private static readonly Checkpoint At = Checkpoint.FromTicks(Checkpoint.Beginning.Ticks + 5);
    private readonly StreamMessageReader _reader = new();

    [Fact]
    public void What_the_server_writes_is_read_back()
    {
        Assert.Equal(new StreamMessage.Start(7), Read(new StreamMessage.Start(7).ToUtf8Bytes()));
        Assert.Equal(new StreamMessage.Complete(7, At), Read(new StreamMessage.Complete(7, At).ToUtf8Bytes()));
        Assert.Equal(new StreamMessage.Complete(7, At, "d"), Read(new StreamMessage.Complete(7, At, "d").ToUtf8Bytes()));
        Assert.Equal(new StreamMessage.Error("é", "X"), Read(new StreamMessage.Error("é", "X").ToUtf8Bytes()));
        Assert.Equal(new StreamMessage.Error("é", "X", Checkpoint.Beginning, 64), Read(new StreamMessage.Error("é", "X", Checkpoint.Beginning, 64).ToUtf8Bytes()));
        Assert.Equal(new StreamMessage.Error("é", "X"), Read("""{"type":"sync.stream.error","error":"é","code":"X","checkpoint":7,"window":1001}"""u8.ToArray()));
    }

    [Fact]
    public void A_batch_holds_its_events_as_slices_of_the_message()
    {
        var utf8 = Encoding.UTF8.GetBytes("""
            {"later":{"events":[]},"events":[ {"id":"a","n":1.0, "device_id":"d","payload_version":2,"type":"t","ts":"x","payload":{}} ,{"id":"b","device_id":"e"}],"isLast":true,"type":"sync.stream.batch","batchIndex":3,"checkpoint":"1970-01-01T00:00:00.0000005Z"}
            """);

        var batch = Assert.IsType<StreamMessage.Batch>(Read(utf8));

        Assert.Equal((3, true, At), (batch.BatchIndex, batch.IsLast, batch.Checkpoint));
        Assert.Equal("""{"id":"a","n":1.0, "device_id":"d","payload_version":2,"type":"t","ts":"x","payload":{}}""", Encoding.UTF8.GetString(batch.Events[0].Json.Span));
        Assert.Equal(("a", "d", 2, true), (batch.Events[0].Id, batch.Events[0].DeviceId, batch.Events[0].PayloadVersion, batch.Events[0].HasEnvelope));
        Assert.Equal(("b", "e", null, false), (batch.Events[1].Id, batch.Events[1].DeviceId, batch.Events[1].PayloadVersion, batch.Events[1].HasEnvelope));
        Assert.True(System.Runtime.InteropServices.MemoryMarshal.TryGetArray(batch.Events[0].Json, out var array) && array.Array == utf8);
    }

    [Theory]
    [InlineData("""{"type":"sync.stream.start","totalEvents":0}""")]
    [InlineData("""{"totalEvents":0,"type":"sync.stream.start","more":[{}]}""")]
    [InlineData("""{"typ\u0065":"sync.stream\u002estart","total\u0045vents":0}""")]
    [InlineData("""{"type":"sync.stream.start","totalEvents":1,"totalEvents":0}""")]
    [InlineData(" { \"type\" : \"sync.stream.start\" ,\n\"totalEvents\" : 0 } ")]
    [InlineData("""{"\ud800":1,"type":"sync.stream.start","totalEvents":0}""")]
    public void Order_space_escapes_and_unknown_fields_do_not_matter(string json) => Assert.Equal(new StreamMessage.Start(0), Read(json));

    [Theory]
    [InlineData("""{"type":"sync.stream.hello"}""", "sync.stream.hello")]
    [InlineData("""{"type":"","totalEvents":"x"}""", "")]
    public void A_type_of_a_later_version_is_unknown_but_no_error(string json, string type) => Assert.Equal(new StreamMessage.Unknown(type), Read(json));

    [Theory]
    [InlineData("""{"type":"sync.stream.start"}""")]
    [InlineData("""{"type":"sync.stream.start","totalEvents":1.0}""")]
    [InlineData("""{"type":"sync.stream.start","totalEvents":1e0}""")]
    [InlineData("""{"type":"sync.stream.start","totalEvents":"1"}""")]
    [InlineData("""{"type":"sync.stream.start","totalEvents":null}""")]
    [InlineData("""{"type":"sync.stream.start","totalEvents":true}""")]
    [InlineData("""{"type":"sync.stream.start","totalEvents":-1}""")]
    [InlineData("""{"type":"sync.stream.start","totalEvents":9223372036854775808}""")]
    [InlineData("""{"type":"sync.stream.start","totalEvents":[1]}""")]
    [InlineData("""{"type":"sync.stream.start","totalEvents":{"totalEvents":1}}""")]
    [InlineData("""{"type":"sync.stream.batch","batchIndex":0,"isLast":true}""")]
    [InlineData("""{"type":"sync.stream.batch","batchIndex":0,"isLast":1,"events":[]}""")]
    [InlineData("""{"type":"sync.stream.batch","batchIndex":0,"isLast":"true","events":[]}""")]
    [InlineData("""{"type":"sync.stream.batch","batchIndex":0,"isLast":true,"events":{}}""")]
    [InlineData("""{"type":"sync.stream.batch","batchIndex":0,"isLast":true,"events":null}""")]
    [InlineData("""{"type":"sync.stream.batch","batchIndex":0,"isLast":true,"events":[[]]}""")]
    [InlineData("""{"type":"sync.stream.batch","batchIndex":0,"isLast":true,"events":[{"id":"a"},"b"]}""")]
    [InlineData("""{"type":"sync.stream.batch","batchIndex":0.5,"isLast":true,"events":[]}""")]
    [InlineData("""{"type":"sync.stream.batch","batchIndex":-1,"isLast":true,"events":[]}""")]
    [InlineData("""{"type":"sync.stream.batch","batchIndex":2147483648,"isLast":true,"events":[]}""")]
    [InlineData("""{"type":"sync.stream.batch","batchIndex":0,"isLast":true,"events":[{"type":"sync.stream.batch","events":[]}""")]
    [InlineData("""{"events":{"type":"sync.stream.batch","batchIndex":0,"isLast":true,"events":[]}}""")]
    [InlineData("""{"type":"sync.stream.complete","processedEvents":1}""")]
    [InlineData("""{"type":"sync.stream.complete","processedEvents":1,"newCheckpoint":"now"}""")]
    [InlineData("""{"type":"sync.stream.complete","processedEvents":1,"newCheckpoint":5}""")]
    [InlineData("""{"type":"sync.stream.complete","processedEvents":"1","newCheckpoint":"1970-01-01T00:00:00Z"}""")]
    [InlineData("""{"type":"sync.stream.error","error":"x"}""")]
    [InlineData("""{"type":"sync.stream.error","code":"x","error":5}""")]
    [InlineData("""{"type":5}""")]
    [InlineData("""{"type":"\ud800"}""")]
    [InlineData("""{"type":null}""")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("5")]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("""{"type":"sync.stream.start","totalEvents":0}x""")]
    [InlineData("""{"type":"sync.stream.start","totalEvents":0}{}""")]
    [InlineData("""{"type":"sync.stream.start","totalEvents":0,}""")]
    public void Anything_less_is_malformed(string json)
    {
        Assert.Null(_reader.Read(Encoding.UTF8.GetBytes(json), out var problem));
        Assert.NotNull(problem);
    }

    [Fact]
    public void A_checkpoint_that_cannot_be_read_counts_as_none()
        => Assert.Null(Assert.IsType<StreamMessage.Batch>(Read("""{"type":"sync.stream.batch","batchIndex":0,"isLast":true,"events":[],"checkpoint":"x"}""")).Checkpoint);

    [Fact]
    public void Deep_nesting_is_malformed()
        => Assert.Null(_reader.Read(Encoding.UTF8.GetBytes($$"""{"type":"sync.stream.start","totalEvents":0,"x":{{new string('[', 100_000)}}"""), out _));

    [Fact]
    public void No_bytes_make_it_throw()
    {
        var message = Encoding.UTF8.GetBytes(
            """{"type":"sync.stream.batch","batchIndex":0,"isLast":true,"checkpoint":"1970-01-01T00:00:00Z","events":[{"id":"\u0061","x":[1,null,{}]},{"\ud800":"é"}]}""");
        Gen.Select(Gen.Int[0, message.Length - 1], Gen.Byte, Gen.Int[0, message.Length]).Array[1, 4].Sample(changes =>
        {
            var spoilt = message.ToArray();
            foreach (var (at, value, _) in changes) spoilt[at] = value;
            _reader.Read(spoilt.AsMemory(0, changes[0].Item3 == 0 ? spoilt.Length : changes[0].Item3), out _);
        });
    }

    private StreamMessage? Read(string json) => Read(Encoding.UTF8.GetBytes(json));

    private StreamMessage? Read(byte[] utf8)
    {
        var message = _reader.Read(utf8, out var problem);
        Assert.Null(problem);
        return message;
    }
}
