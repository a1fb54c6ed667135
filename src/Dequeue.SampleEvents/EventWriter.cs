using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Dequeue.SampleEvents;

/// <summary>Writes envelopes, in the app's key order, around payloads.</summary>
internal sealed class EventWriter(EventGeneratorOptions options, SeededRandom random) : IDisposable
{
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };
    private static readonly JsonEncodedText Human = JsonEncodedText.Encode("human"), Ai = JsonEncodedText.Encode("ai");
    private readonly ArrayBufferWriter<byte> _buffer = new(4096);
    private readonly Utf8JsonWriter _json = new(Stream.Null, WriterOptions);
    private readonly JsonEncodedText _user = JsonEncodedText.Encode(options.UserId, JavaScriptEncoder.UnsafeRelaxedJsonEscaping);
    private readonly JsonEncodedText _app = JsonEncodedText.Encode(options.AppId, JavaScriptEncoder.UnsafeRelaxedJsonEscaping);

    /// <summary>Starts an event and leaves the writer inside its payload.</summary>
    public Utf8JsonWriter Begin(string deviceId, long now, string type)
    {
        _buffer.ResetWrittenCount();
        _json.Reset(_buffer);
        _json.WriteStartObject();
        _json.WriteString("id"u8, random.Cuid(now));
        _json.WriteString("user_id"u8, _user);
        _json.WriteString("device_id"u8, deviceId);
        _json.WriteString("app_id"u8, _app);
        Span<char> ts = stackalloc char[24];
        DateTimeOffset.FromUnixTimeMilliseconds(now).UtcDateTime.TryFormat(ts, out _, "yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
        _json.WriteString("ts"u8, ts);
        _json.WriteString("type"u8, type);
        _json.WriteStartObject("payload"u8);
        return _json;
    }

    /// <summary>Ends the event. Newer versions of the app name the actor, older ones do not.</summary>
    public byte[] End(string? agentId, bool namesActor)
    {
        _json.WriteEndObject();
        _json.WriteNumber("payload_version"u8, 2);
        if (agentId is not null)
        {
            _json.WriteString("actor_type"u8, Ai);
            _json.WriteString("actor_id"u8, agentId);
        }
        else if (namesActor)
        {
            _json.WriteString("actor_type"u8, Human);
        }

        _json.WriteEndObject();
        _json.Flush();
        return _buffer.WrittenSpan.ToArray();
    }

    public void Dispose() => _json.Dispose();
}
