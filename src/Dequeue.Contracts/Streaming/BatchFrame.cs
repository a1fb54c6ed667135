using System.Buffers;
using System.Text.Json;

namespace Dequeue.Contracts.Streaming;

/// <summary>
/// The bytes around the events of a <c>sync.stream.batch</c>. Events are spliced between <see cref="Prefix"/> and
/// <see cref="Suffix"/>, joined by commas, and never parsed or written again.
/// </summary>
public static class BatchFrame
{
    /// <summary>What follows the last event.</summary>
    public static ReadOnlySpan<byte> Suffix => "]}"u8;

    /// <summary>What stands before the first event.</summary>
    public static byte[] Prefix(BatchHead head)
    {
        ArgumentNullException.ThrowIfNull(head);
        var buffer = new ArrayBufferWriter<byte>(256);
        using var writer = new Utf8JsonWriter(buffer, StreamJson.Options);
        writer.WriteStartObject();
        writer.WriteString("type"u8, StreamMessage.Batch.Type);
        writer.WriteNumber("batchIndex"u8, head.Index);
        writer.WriteBoolean("isLast"u8, head.IsLast);
        writer.WriteString("checkpoint"u8, head.Checkpoint.ToString());
        if (head.IsPriority) writer.WriteBoolean("priority"u8, true);
        if (head.ForgetsStates) writer.WriteBoolean("reset"u8, true);
        if (head.Deltas.Count > 0)
        {
            writer.WriteStartArray("deltas"u8);
            foreach (var place in head.Deltas) writer.WriteNumberValue(place);
            writer.WriteEndArray();
        }

        if (head.References.Count > 0)
        {
            writer.WriteStartArray("references"u8);
            foreach (var reference in head.References) reference.Write(writer);
            writer.WriteEndArray();
        }

        writer.WriteStartArray("events"u8);
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}

/// <summary>What a batch says besides its events.</summary>
/// <param name="Index">0, 1, 2 …</param>
/// <param name="IsLast">True on the final batch alone.</param>
/// <param name="Checkpoint">The position after the batch.</param>
public sealed record BatchHead(int Index, bool IsLast, Checkpoint Checkpoint)
{
    /// <summary>Whether the batch brings the entities that were asked for first. Its <see cref="Checkpoint"/> is the request's <c>since</c> then.</summary>
    public bool IsPriority { get; init; }

    /// <summary>The places of the events whose state is a patch, from 0, rising.</summary>
    public IReadOnlyList<int> Deltas { get; init; } = [];

    /// <summary>Whether the states of earlier batches are to be forgotten: no patch refers to one.</summary>
    public bool ForgetsStates { get; init; }

    /// <summary>Pages that are fetched from elsewhere, in order, instead of events.</summary>
    public IReadOnlyList<PageReference> References { get; init; } = [];
}

/// <summary>A page of events that is fetched by a plain GET: a JSON array, gzipped by its <c>Content-Encoding</c>.</summary>
/// <param name="Url">An absolute URL that needs no other proof, for a short time.</param>
/// <param name="Checkpoint">The position after the page.</param>
/// <param name="Count">Its events, 1 to 1,000.</param>
/// <param name="Digest">The digest of its events, as <see cref="Events.EventDigest"/> defines it.</param>
public sealed record PageReference(string Url, Checkpoint Checkpoint, int Count, string Digest)
{
    internal void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("url"u8, Url);
        writer.WriteString("checkpoint"u8, Checkpoint.ToString());
        writer.WriteNumber("count"u8, Count);
        writer.WriteString("digest"u8, Digest);
        writer.WriteEndObject();
    }
}
