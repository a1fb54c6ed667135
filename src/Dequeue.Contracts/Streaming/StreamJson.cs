using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Dequeue.Contracts.Streaming;

internal static class StreamJson
{
    public static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Write<T>(Action<Utf8JsonWriter, T> fields, T value)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using var writer = new Utf8JsonWriter(buffer, Options);
        writer.WriteStartObject();
        fields(writer, value);
        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}
