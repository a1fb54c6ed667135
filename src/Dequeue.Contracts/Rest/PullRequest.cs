using System.Buffers;
using System.Text.Json;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Contracts.Rest;

/// <summary>The body of <c>pull</c>: <c>{"since":"…","limit":100,"compact":true}</c>.</summary>
public static class PullRequest
{
    /// <summary>Writes it.</summary>
    /// <param name="since">Events strictly after this position.</param>
    /// <param name="limit">Most events of the page.</param>
    /// <param name="compact">What is left out; null for nothing.</param>
    /// <param name="claim">What is said of the store.</param>
    public static byte[] Write(Checkpoint since, int limit, StreamCompact? compact, HistoryClaim claim = default)
    {
        var body = new ArrayBufferWriter<byte>(96);
        using var writer = new Utf8JsonWriter(body);
        writer.WriteStartObject();
        writer.WriteString("since"u8, since.ToString());
        writer.WriteNumber("limit"u8, limit);
        if (compact is not null)
        {
            writer.WritePropertyName("compact"u8);
            compact.Write(writer);
        }

        if (claim.Epoch is { } epoch) writer.WriteString("epoch"u8, epoch);
        if (claim.Position is { } position) writer.WriteNumber("position"u8, position);
        writer.WriteEndObject();
        writer.Flush();
        return body.WrittenSpan.ToArray();
    }
}
