using System.IO.Compression;
using System.Text;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Dequeue.Gateway.Pacing;

namespace Dequeue.EndToEnd.Tests.Gateway;

/// <summary>What the gateway makes of a client's request, of each message, and when it acknowledges.</summary>
public sealed class StreamPacerTests
{
    private const string Bare = """{"type":"sync.stream.request","since":"1970-01-01T00:00:00Z"}""";

    [Theory]
    [InlineData("""{"type":"sync.stream.request","since":"1970-01-01T00:00:00Z"}""", """{"type":"sync.stream.request","since":"1970-01-01T00:00:00Z","window":32,"encodings":["gzip"]}""")]
    [InlineData("""{"type":"sync.stream.request" }""", """{"type":"sync.stream.request" ,"window":32,"encodings":["gzip"]}""")]
    [InlineData("""{"x":{},"type":"sync.stream.request","delta":true,"batchSize":100}""", """{"x":{},"type":"sync.stream.request","delta":true,"batchSize":100,"window":320,"encodings":["gzip"]}""")]
    [InlineData("""{"type":"sync.stream.request","batchSize":1}""", """{"type":"sync.stream.request","batchSize":1,"window":1000,"encodings":["gzip"]}""")]
    [InlineData("""{"type":"sync.stream.request","encodings":["lz4"]}""", """{"type":"sync.stream.request","encodings":["lz4"],"window":32,"encodings":["gzip"]}""")]
    [InlineData("""{"type":"sync.stream.request","encodings":["gzip"]}""", """{"type":"sync.stream.request","encodings":["gzip"],"window":32}""")]
    [InlineData("""{"type":"sync.stream.request","encodings":["br"]}""", """{"type":"sync.stream.request","encodings":["br"],"window":32}""")]
    public void A_request_without_a_window_gets_one_and_gzip_where_the_client_wants_plain(string asked, string sent)
        => Assert.Equal(sent, Sent(new StreamPacer(), asked));

    [Theory]
    [InlineData("""{"type":"sync.stream.request","window":8}""")]
    [InlineData("""{"type":"sync.stream.request","window":8,"encodings":["gzip"]}""")]
    [InlineData("""{"type":"sync.stream.request","encodings":["zstd","gzip"]}""")]
    [InlineData("""{"type":"sync.stream.ack","batchIndex":3}""")]
    [InlineData("""{"events":[{"id":"a","type":"sync.stream.request"}]}""")]
    [InlineData("""{"type":"sync.stream.request","window":"x"}""")]
    [InlineData("""{"since":"1970-01-01T00:00:00Z"}""")]
    [InlineData("not JSON")]
    [InlineData("")]
    public void All_else_is_passed_on_as_it_is(string message) => Assert.Equal(message, Sent(new StreamPacer(), message));

    [Fact]
    public void Messages_are_those_that_the_server_would_have_sent_plain()
    {
        var pacer = Asked(Bare);
        var batch = Batch(0);

        Assert.Equal("""{"type":"sync.stream.start","totalEvents":1,"later":{"a":[1.0]}}""", Got(pacer, """{"type":"sync.stream.start","totalEvents":1,"encoding":"gzip","later":{"a":[1.0]}}"""u8.ToArray()));
        Assert.Equal(batch, Got(pacer, Gzip(batch)));
        foreach (var other in new[] { """{"type":"sync.stream.complete","processedEvents":1,"newCheckpoint":"x"}""", """{"acknowledged":["a"]}""", """{"type":"sync.stream.live","before":3,"events":[]}""" })
            Assert.Equal(other, Got(pacer, Encoding.UTF8.GetBytes(other)));
    }

    [Fact]
    public void A_client_that_opens_batches_itself_gets_them_as_they_are()
    {
        var gzip = Gzip(Batch(7));
        var brotli = Brotli(Batch(8));
        var start = """{"type":"sync.stream.start","totalEvents":1,"encoding":"gzip"}""";

        var pacer = Asked("""{"type":"sync.stream.request","encodings":["gzip"]}""");
        Assert.Equal(start, Got(pacer, Encoding.UTF8.GetBytes(start)));
        var frame = pacer.ToClient(gzip);
        Assert.Equal(gzip, frame.Message.ToArray());
        Assert.Equal((7, true), (frame.BatchIndex, frame.IsCompressed));

        frame = Asked("""{"type":"sync.stream.request","encodings":["br","gzip"]}""").ToClient(brotli);
        Assert.Equal((8, true), (frame.BatchIndex, frame.IsCompressed));
    }

    [Fact]
    public void A_quarter_of_the_window_is_acknowledged_at_once()
    {
        var pacer = Asked(Bare);
        var acknowledged = Enumerable.Range(0, 32).Select(index => pacer.Taken(index, 80_000, isLate: false)).Where(ack => ack is not null);
        Assert.Equal([7, 15, 23, 31], acknowledged.Cast<int>());
    }

    [Fact]
    public void Batches_that_hardly_compress_and_slow_ones_are_acknowledged_sooner()
    {
        var pacer = Asked(Bare);
        Assert.Null(pacer.Taken(0, 600_000, isLate: false));
        Assert.Equal(1, pacer.Taken(1, 600_000, isLate: false));
        Assert.Null(pacer.Taken(2, 600_000, isLate: false));
        Assert.Equal(3, pacer.Taken(3, 1, isLate: true));
    }

    [Fact]
    public void A_batch_that_comes_again_is_acknowledged_again()
    {
        var pacer = Asked(Bare);
        for (var index = 0; index < 3; index++) Assert.Null(pacer.Taken(index, 1, isLate: false));
        Assert.Equal(2, pacer.Taken(1, 1, isLate: false));
    }

    [Fact]
    public void A_second_request_is_passed_on_and_the_stream_that_runs_is_paced_as_before()
    {
        var pacer = Asked(Bare);
        const string Second = """{"type":"sync.stream.request","encodings":["gzip"]}""";

        Assert.Equal(Second, Sent(pacer, Second));
        Got(pacer, """{"type":"sync.stream.refused","of":"request","error":"A stream is running.","code":"INVALID_REQUEST"}"""u8.ToArray());
        Assert.Equal(Second, Sent(pacer, Second));
        Assert.Equal(Batch(0), Got(pacer, Gzip(Batch(0))));
    }

    [Theory]
    [InlineData("""{"type":"sync.stream.complete","processedEvents":0,"newCheckpoint":"2026-01-01T00:00:00Z"}""")]
    [InlineData("""{"type":"sync.stream.error","error":"no","code":"DB_ERROR"}""")]
    public void After_its_end_the_next_stream_is_paced_anew(string end)
    {
        var pacer = Asked(Bare);
        for (var index = 0; index < 8; index++) pacer.Taken(index, 1, isLate: false);
        Got(pacer, Encoding.UTF8.GetBytes(end));

        Assert.EndsWith(""","window":32,"encodings":["gzip"]}""", Sent(pacer, Bare), StringComparison.Ordinal);
        Assert.Null(pacer.Taken(0, 1, isLate: false));
        Assert.Equal(1, pacer.Taken(1, 1, isLate: true));
    }

    [Fact]
    public void What_is_damaged_or_too_large_is_refused()
    {
        var pacer = Asked(Bare);
        var gzip = Gzip(Batch(0));
        var changed = gzip.ToArray();
        changed[^6] ^= 1;

        Assert.Throws<InvalidDataException>(() => pacer.ToClient(gzip.AsMemory(0, gzip.Length - 9)));
        Assert.Throws<InvalidDataException>(() => pacer.ToClient(changed));
        Assert.Throws<InvalidDataException>(() => pacer.ToClient(new byte[] { 0x1F, 0x8B }));
        Assert.Throws<InvalidDataException>(() => pacer.ToClient(Gzip(new string(' ', 5 * 1024 * 1024))));
    }

    private static StreamPacer Asked(string request)
    {
        var pacer = new StreamPacer();
        Sent(pacer, request);
        return pacer;
    }

    private static string Sent(StreamPacer pacer, string message) => Encoding.UTF8.GetString(pacer.FromClient(Encoding.UTF8.GetBytes(message)).Span);

    private static string Got(StreamPacer pacer, byte[] frame) => Encoding.UTF8.GetString(pacer.ToClient(frame).Message.Span);

    private static string Batch(int index)
        => Encoding.UTF8.GetString([.. BatchFrame.Prefix(new BatchHead(index, false, Checkpoint.Beginning)), .. """{"id":"a","type":"sync.stream.batch","batchIndex":99}"""u8, .. BatchFrame.Suffix]);

    private static byte[] Gzip(string text) => Packed(text, static output => new GZipStream(output, CompressionLevel.Fastest));

    private static byte[] Brotli(string text) => Packed(text, static output => new BrotliStream(output, CompressionLevel.Fastest));

    private static byte[] Packed(string text, Func<Stream, Stream> pack)
    {
        using var output = new MemoryStream();
        using (var packing = pack(output)) packing.Write(Encoding.UTF8.GetBytes(text));
        return output.ToArray();
    }
}
