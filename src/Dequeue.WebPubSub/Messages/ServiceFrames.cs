using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Dequeue.WebPubSub.Messages;

/// <summary>The frames that a JSON client gets besides messages.</summary>
internal static class ServiceFrames
{
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The answer to <c>ping</c>.</summary>
    public static byte[] Pong { get; } = """{"type":"pong"}"""u8.ToArray();

    /// <summary>The first frame of a connection.</summary>
    public static byte[] Connected(string? userId, string connectionId, string? reconnectionToken) => Write(writer =>
    {
        writer.WriteString("type"u8, "system"u8);
        writer.WriteString("event"u8, "connected"u8);
        writer.WriteString("userId"u8, userId);
        writer.WriteString("connectionId"u8, connectionId);
        if (reconnectionToken is not null) writer.WriteString("reconnectionToken"u8, reconnectionToken);
    });

    /// <summary>The last frame before the service closes a connection.</summary>
    public static byte[] Disconnected(string message) => Write(writer =>
    {
        writer.WriteString("type"u8, "system"u8);
        writer.WriteString("event"u8, "disconnected"u8);
        writer.WriteString("message"u8, message);
    });

    /// <summary>The outcome of a request that asked for one.</summary>
    public static byte[] Ack(ulong ackId, AckError? error) => Write(writer =>
    {
        writer.WriteString("type"u8, "ack"u8);
        writer.WriteNumber("ackId"u8, ackId);
        writer.WriteBoolean("success"u8, error is null);
        if (error is null) return;
        writer.WriteStartObject("error"u8);
        writer.WriteString("name"u8, error.Name);
        writer.WriteString("message"u8, error.Message);
        writer.WriteEndObject();
    });

    private static byte[] Write(Action<Utf8JsonWriter> properties)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
        {
            writer.WriteStartObject();
            properties(writer);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}

/// <summary>Why a client's request failed, in the names that the SDKs know.</summary>
internal sealed record AckError(string Name, string Message)
{
    /// <summary>No permission for the group.</summary>
    public static AckError Forbidden(string message) => new("Forbidden", message);

    /// <summary>No handler took the event, or it failed; the client may try again.</summary>
    public static AckError InternalServerError(string message) => new("InternalServerError", message);

    /// <summary>The request was processed before; the SDKs count it as success.</summary>
    public static AckError Duplicate(ulong ackId) => new("Duplicate", $"Message with ack-id: {ackId} has been processed");
}
