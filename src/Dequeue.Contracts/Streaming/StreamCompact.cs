namespace Dequeue.Contracts.Streaming;

/// <summary>
/// Asks for the events that still matter, without those that a later state of their entity supersedes: docs/protocol.md tells which
/// clients end in the same state so, and which do not.
/// </summary>
public sealed record StreamCompact
{
    /// <summary>Most types of <see cref="Keep"/>.</summary>
    public const int MaxTypes = 100;

    /// <summary>Types whose events are never left out, at most <see cref="MaxTypes"/>. For them the server reads the whole history.</summary>
    public IReadOnlyList<string> Keep { get; init; } = [];

    /// <summary>Writes the value of the field <c>compact</c>.</summary>
    internal void Write(System.Text.Json.Utf8JsonWriter writer)
    {
        if (Keep.Count == 0)
        {
            writer.WriteBooleanValue(true);
            return;
        }

        writer.WriteStartObject();
        writer.WriteStartArray("keep"u8);
        foreach (var type in Keep) writer.WriteStringValue(type);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
