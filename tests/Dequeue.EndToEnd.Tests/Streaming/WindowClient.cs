using System.Text.Json;

namespace Dequeue.EndToEnd.Tests.Streaming;

/// <summary>A client that reads a stream with a window, and checks with each batch that the server kept to it.</summary>
internal sealed class WindowClient(RawStream stream, int window)
{
    /// <summary>Batches that were acknowledged.</summary>
    public int Acknowledged { get; private set; }

    /// <summary>Batches that came.</summary>
    public int Batches { get; private set; }

    /// <summary>Events that came.</summary>
    public int Events { get; private set; }

    /// <summary>The message after the last batch.</summary>
    public JsonElement Last { get; private set; }

    public static string Ack(int batchIndex) => $$"""{"type":"sync.stream.ack","batchIndex":{{batchIndex}}}""";

    /// <summary>Asks for a stream.</summary>
    /// <param name="batchSize">Events of a batch.</param>
    public Task AskAsync(int batchSize) => stream.SendAsync($$"""{"type":"sync.stream.request","window":{{window}},"batchSize":{{batchSize}}}""");

    /// <summary>Acknowledges all up to a batch.</summary>
    public async Task AcknowledgeAsync(int batchIndex)
    {
        Acknowledged = Math.Max(Acknowledged, batchIndex + 1);
        await stream.SendAsync(Ack(batchIndex));
    }

    /// <summary>Reads to the end of the stream: complete, or an error.</summary>
    /// <param name="processed">Called with the index of each batch; acknowledges, or does not.</param>
    public async Task ReadAsync(Func<int, Task> processed)
    {
        Assert.Equal("sync.stream.start", RawStream.TypeOf((await stream.ReceiveAsync()).Message));
        while (true)
        {
            var (_, message) = await stream.ReceiveAsync();
            Last = message;
            if (RawStream.TypeOf(message) != "sync.stream.batch") return;
            Take(message);
            await processed(Batches - 1);
        }
    }

    /// <summary>Reads the next batches, acknowledging none.</summary>
    public async Task ReadBatchesAsync(int count)
    {
        while (count-- > 0) Take((await stream.ReceiveAsync()).Message);
    }

    /// <summary>Asks something that is refused at once: no batch comes before the refusal.</summary>
    public async Task NothingComesAsync()
    {
        await stream.SendAsync("""{"type":"sync.stream.ack"}""");
        Assert.Equal("sync.stream.refused", RawStream.TypeOf((await stream.ReceiveAsync()).Message));
    }

    private void Take(JsonElement batch)
    {
        Assert.Equal(Batches, batch.GetProperty("batchIndex").GetInt32());
        Assert.InRange(++Batches - Acknowledged, 1, window);
        Events += batch.GetProperty("events").GetArrayLength();
    }
}
