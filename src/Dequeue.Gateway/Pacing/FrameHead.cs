using System.Text.Json;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Gateway.Pacing;

/// <summary>What a message of the server is, read no further than it takes: the events of a batch are never looked at.</summary>
internal enum FrameKind
{
    /// <summary>Nothing that pacing has to know.</summary>
    Other,

    /// <summary><c>sync.stream.start</c>.</summary>
    Start,

    /// <summary><c>sync.stream.batch</c>.</summary>
    Batch,

    /// <summary><c>sync.stream.complete</c>.</summary>
    Complete,

    /// <summary><c>sync.stream.error</c>.</summary>
    Error,
}

/// <summary>The beginning of a message.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="BatchIndex">The index of a batch; -1 for others.</param>
internal readonly record struct FrameHead(FrameKind Kind, int BatchIndex)
{
    private static readonly FrameHead Unknown = new(FrameKind.Other, -1);

    /// <summary>Reads the head of a message.</summary>
    /// <param name="json">The message, or its beginning.</param>
    public static FrameHead Read(ReadOnlySpan<byte> json)
    {
        var (kind, index) = (FrameKind.Other, -1);
        try
        {
            var reader = new Utf8JsonReader(json, isFinalBlock: false, default);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return Unknown;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = JsonText.Of(ref reader);
                var (isType, isIndex) = (name.Equals("type"u8), name.Equals("batchIndex"u8));
                if (!reader.Read()) break;
                if (isType && reader.TokenType == JsonTokenType.String)
                {
                    kind = KindOf(reader);
                    if (kind != FrameKind.Batch) return new FrameHead(kind, -1);
                }
                else if (isIndex && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var value))
                {
                    index = value;
                }

                if (kind == FrameKind.Batch && index >= 0) return new FrameHead(kind, index);
                if (!reader.TrySkip()) break;
            }
        }
        catch (JsonException)
        {
            return Unknown;
        }

        return kind == FrameKind.Batch && index < 0 ? Unknown : new FrameHead(kind, index);
    }

    private static FrameKind KindOf(in Utf8JsonReader reader)
        => reader.ValueTextEquals(StreamMessage.Batch.Type) ? FrameKind.Batch
            : reader.ValueTextEquals(StreamMessage.Start.Type) ? FrameKind.Start
            : reader.ValueTextEquals(StreamMessage.Complete.Type) ? FrameKind.Complete
            : reader.ValueTextEquals(StreamMessage.Error.Type) ? FrameKind.Error
            : FrameKind.Other;
}
