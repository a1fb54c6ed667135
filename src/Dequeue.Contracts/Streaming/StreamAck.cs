using System.Text.Json;
using Dequeue.Contracts.Events;

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
            var reader = new Utf8JsonReader(utf8);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject) return null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = JsonText.Of(ref reader);
                var field = name.Equals("type"u8) ? 1 : name.Equals("batchIndex"u8) ? 2 : 0;
                reader.Read();
                if (field == 1) isAck = reader.TokenType == JsonTokenType.String && JsonText.Of(ref reader).Equals("sync.stream.ack"u8);
                if (field == 2) index = reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var value) && value >= 0 ? value : null;
                reader.Skip();
            }

            while (reader.Read())
            {
            }
        }
        catch (JsonException)
        {
            return null;
        }

        return isAck && index is { } batch ? new StreamAck(batch) : null;
    }
}
