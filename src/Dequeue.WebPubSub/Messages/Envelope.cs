using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Dequeue.WebPubSub.Messages;

/// <summary>The frame of a JSON client around a payload: everything up to the value of <c>data</c>, which comes last.</summary>
internal static class Envelope
{
    private static readonly JsonWriterOptions WriterOptions
        = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private static readonly byte[] ServerJson = Build(null, null, DataType.Json);
    private static readonly byte[] ServerText = Build(null, null, DataType.Text);
    private static readonly byte[] ServerBinary = Build(null, null, DataType.Binary);

    /// <summary>Of a message from the application.</summary>
    public static byte[] FromServer(DataType type) => type switch
    {
        DataType.Json => ServerJson,
        DataType.Text => ServerText,
        _ => ServerBinary,
    };

    /// <summary>Of a message to a group, with the user who sent it; no user when it came over REST or the sender has none.</summary>
    public static byte[] FromGroup(string group, string? fromUserId, DataType type) => Build(group, fromUserId, type);

    /// <summary>The value of <c>dataType</c> on the wire.</summary>
    private static ReadOnlySpan<byte> Name(DataType type) => type switch
    {
        DataType.Json => "json"u8,
        DataType.Text => "text"u8,
        _ => "binary"u8,
    };

    private static byte[] Build(string? group, string? fromUserId, DataType type)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("type"u8, "message"u8);
            writer.WriteString("from"u8, group is null ? "server"u8 : "group"u8);
            if (group is not null) writer.WriteString("group"u8, group);
            if (fromUserId is not null) writer.WriteString("fromUserId"u8, fromUserId);
            writer.WriteString("dataType"u8, Name(type));
            writer.WritePropertyName("data"u8);
        }

        return buffer.WrittenSpan.ToArray();
    }
}
