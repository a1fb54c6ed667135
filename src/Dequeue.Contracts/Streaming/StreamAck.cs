using System.Text.Json;

namespace Dequeue.Contracts.Streaming;

/// <summary><c>sync.stream.ack</c>: how far a client has processed a stream with a window.</summary>
/// <param name="BatchIndex">The last batch that is processed; all before it are, too.</param>
public sealed record StreamAck(int BatchIndex)
{
    /// <summary>The message's <c>type</c>, and the event name that SDK clients use.</summary>
    public const string Type = "sync.stream.ack";

    /// <summary>Writes the message.</summary>
    public byte[] ToUtf8Bytes()
        => StreamJson.Write(static (writer, ack) =>
        {
            writer.WriteString("type"u8, Type);
            writer.WriteNumber("batchIndex"u8, ack.BatchIndex);
        }, this);

    /// <summary>Reads an acknowledgement. Unknown fields are ignored.</summary>
    /// <param name="utf8">The JSON object.</param>
    /// <param name="typeIsKnown">True when the transport already named the event, so that <c>type</c> may be missing.</param>
    /// <param name="isAck">Whether it is one at all, be it malformed or not.</param>
    /// <returns>Null when it is none or malformed.</returns>
    public static StreamAck? Read(ReadOnlySpan<byte> utf8, bool typeIsKnown, out bool isAck)
    {
        isAck = typeIsKnown;
        int? index = null;
        try
        {
            if (!JsonObjectReader.TryBegin(utf8, out var json)) return null;
            while (json.Next())
            {
                if (json.Is("type"u8)) isAck = json.IsText("sync.stream.ack"u8);
                else if (json.Is("batchIndex"u8)) index = json.WholeNumber() is >= 0 and <= int.MaxValue and { } value ? (int)value : null;
            }

            json.End();
        }
        catch (JsonException)
        {
            return null;
        }

        return isAck && index is { } batch ? new StreamAck(batch) : null;
    }
}
