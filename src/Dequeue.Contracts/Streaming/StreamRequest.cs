using System.Text.Json;
using Dequeue.Contracts.Events;

namespace Dequeue.Contracts.Streaming;

/// <summary><c>sync.stream.request</c>: what a client asks for.</summary>
/// <param name="Since">The checkpoint that it holds; <see cref="Checkpoint.Beginning"/> when it sent none.</param>
public sealed record StreamRequest(Checkpoint Since)
{
    /// <summary>The message's <c>type</c>, and the event name that SDK clients use.</summary>
    public const string Type = "sync.stream.request";

    /// <summary>The encodings that the client takes for batches, best first; empty for none. See <see cref="BatchEncodings"/>.</summary>
    public IReadOnlyList<string> Encodings { get; init; } = [];

    /// <summary>Writes the message.</summary>
    public byte[] ToUtf8Bytes()
        => StreamJson.Write(static (writer, request) =>
        {
            writer.WriteString("type"u8, Type);
            writer.WriteString("since"u8, request.Since.ToString());
            if (request.Encodings.Count == 0) return;
            writer.WriteStartArray("encodings"u8);
            foreach (var encoding in request.Encodings) writer.WriteStringValue(encoding);
            writer.WriteEndArray();
        }, this);

    /// <summary>Reads a request. Unknown fields are ignored.</summary>
    /// <param name="utf8">The JSON object.</param>
    /// <param name="typeIsKnown">True when the transport already named the event, so that <c>type</c> may be missing.</param>
    public static StreamRequestReading Read(ReadOnlySpan<byte> utf8, bool typeIsKnown = false)
    {
        var since = Checkpoint.Beginning;
        var typed = typeIsKnown;
        List<string> encodings = [];
        try
        {
            var reader = new Utf8JsonReader(utf8);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject) return Invalid("The request is a JSON object.");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = JsonText.Of(ref reader);
                if (name.Equals("type"u8))
                {
                    reader.Read();
                    if (reader.TokenType != JsonTokenType.String || !JsonText.Of(ref reader).Equals("sync.stream.request"u8))
                        return Invalid($"The type of a request is {Type}.");
                    typed = true;
                }
                else if (name.Equals("since"u8))
                {
                    reader.Read();
                    if (reader.TokenType == JsonTokenType.Null) continue;
                    if (reader.TokenType != JsonTokenType.String || !Checkpoint.TryParse(JsonText.Of(ref reader).GetString(), out since))
                        return new StreamRequestReading.Refused(ErrorCodes.InvalidCheckpoint, "since is an RFC 3339 date-time, such as 2026-11-22T08:15:30.1234567Z.");
                }
                else if (name.Equals("encodings"u8))
                {
                    reader.Read();
                    if (!ReadEncodings(ref reader, encodings)) return Invalid("encodings is an array of names, such as [\"gzip\"].");
                }
                else
                {
                    reader.Read();
                    reader.Skip();
                }
            }

            while (reader.Read())
            {
            }
        }
        catch (JsonException)
        {
            return Invalid("The request is not valid JSON.");
        }

        return typed ? new StreamRequestReading.Accepted(new StreamRequest(since) { Encodings = encodings }) : Invalid($"The request has no type; it must be {Type}.");
    }

    private static bool ReadEncodings(ref Utf8JsonReader reader, List<string> encodings)
    {
        if (reader.TokenType == JsonTokenType.Null) return true;
        if (reader.TokenType != JsonTokenType.StartArray) return false;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.String || encodings.Count == BatchEncodings.MaxWishes) return false;
            if (!reader.ValueIsEscaped && reader.ValueSpan.Length <= BatchEncodings.MaxNameLength) encodings.Add(reader.GetString()!);
        }

        return true;
    }

    private static StreamRequestReading.Refused Invalid(string why) => new(ErrorCodes.InvalidRequest, why);
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
