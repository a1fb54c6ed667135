namespace Dequeue.Contracts.Streaming;

/// <summary><c>sync.stream.request</c>: what a client asks for. docs/protocol.md tells what each option does.</summary>
/// <param name="Since">The checkpoint that it holds; <see cref="Checkpoint.Beginning"/> when it sent none.</param>
public sealed record StreamRequest(Checkpoint Since)
{
    /// <summary>The message's <c>type</c>, and the event name that SDK clients use.</summary>
    public const string Type = "sync.stream.request";

    /// <summary>Most events of a batch, and the most that <see cref="BatchSize"/> can ask for.</summary>
    public const int MaxBatchSize = Limits.EventsTogether;

    /// <summary>Largest <see cref="Window"/>.</summary>
    public const int MaxWindow = 1000;

    /// <summary>The encodings that the client takes for batches, best first; empty for none. See <see cref="BatchEncodings"/>.</summary>
    public IReadOnlyList<string> Encodings { get; init; } = [];

    /// <summary>Whether newly committed events follow on the open connection after <c>complete</c>, as <see cref="LiveFrame"/>s.</summary>
    public bool Live { get; init; }

    /// <summary>Most batches that are sent ahead of the last <see cref="StreamAck"/>, 1 to <see cref="MaxWindow"/>; null for no bound.</summary>
    public int? Window { get; init; }

    /// <summary>The entities whose events come first; null for the log's own order.</summary>
    public StreamPriority? Priority { get; init; }

    /// <summary>Whether an entity's state may come as a patch against the one before.</summary>
    public bool Delta { get; init; }

    /// <summary>Whether pages of a large history may come as URLs.</summary>
    public bool References { get; init; }

    /// <summary>Whether only the events come that still matter; null for the whole history.</summary>
    public StreamCompact? Compact { get; init; }

    /// <summary>Most events of a batch, 1 to <see cref="MaxBatchSize"/>.</summary>
    public int BatchSize { get; init; } = MaxBatchSize;

    /// <summary>What the client says of its store; empty when it says nothing.</summary>
    public HistoryClaim Claim { get; init; }

    /// <summary>Writes the message.</summary>
    public byte[] ToUtf8Bytes()
        => StreamJson.Write(static (writer, request) =>
        {
            writer.WriteString("type"u8, Type);
            writer.WriteString("since"u8, request.Since.ToString());
            if (request.Claim.Epoch is { } epoch) writer.WriteString("epoch"u8, epoch);
            if (request.Claim.Position is { } position) writer.WriteNumber("position"u8, position);
            if (request.Live) writer.WriteBoolean("live"u8, true);
            if (request.Window is { } window) writer.WriteNumber("window"u8, window);
            if (request.BatchSize != MaxBatchSize) writer.WriteNumber("batchSize"u8, request.BatchSize);
            if (request.Delta) writer.WriteBoolean("delta"u8, true);
            if (request.References) writer.WriteBoolean("references"u8, true);
            if (request.Compact is { } compact)
            {
                writer.WritePropertyName("compact"u8);
                compact.Write(writer);
            }

            if (request.Priority is { } priority)
            {
                writer.WriteStartObject("priority"u8);
                if (priority.EntityIds.Count > 0) Texts(writer, "entityIds"u8, priority.EntityIds);
                if (priority.Active) writer.WriteBoolean("active"u8, true);
                writer.WriteEndObject();
            }

            if (request.Encodings.Count > 0) Texts(writer, "encodings"u8, request.Encodings);
        }, this);

    /// <summary>Reads a request. Unknown fields are ignored.</summary>
    /// <param name="utf8">The JSON object.</param>
    /// <param name="typeIsKnown">True when the transport already named the event, so that <c>type</c> may be missing.</param>
    public static StreamRequestReading Read(ReadOnlySpan<byte> utf8, bool typeIsKnown = false) => StreamRequestReader.Read(utf8, typeIsKnown);

    private static void Texts(System.Text.Json.Utf8JsonWriter writer, ReadOnlySpan<byte> name, IReadOnlyList<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (var text in texts) writer.WriteStringValue(text);
        writer.WriteEndArray();
    }
}

/// <summary>The entities whose events come first.</summary>
/// <param name="EntityIds">Their ids; at most <see cref="MaxEntities"/>, each 1 to <see cref="MaxIdLength"/> bytes of UTF-8.</param>
/// <param name="Active">Whether the active stack comes first, with its tasks and what hangs on them.</param>
public sealed record StreamPriority(IReadOnlyList<string> EntityIds, bool Active)
{
    /// <summary>Most entities of one request.</summary>
    public const int MaxEntities = 100;

    /// <summary>Longest entity id in bytes.</summary>
    public const int MaxIdLength = Limits.EntityIdBytes;
}

/// <summary>What came of reading a request.</summary>
public abstract record StreamRequestReading
{
    private StreamRequestReading()
    {
    }

    /// <summary>A valid request.</summary>
    public sealed record Accepted(StreamRequest Request) : StreamRequestReading;

    /// <summary>An invalid one: the code and text for <c>sync.stream.error</c>.</summary>
    public sealed record Refused(string Code, string Message) : StreamRequestReading;
}
