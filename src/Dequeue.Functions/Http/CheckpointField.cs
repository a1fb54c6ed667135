using System.Text.Json;
using Dequeue.Contracts;

namespace Dequeue.Functions.Http;

/// <summary>A checkpoint in the body of a call.</summary>
internal static class CheckpointField
{
    /// <summary>Reads the value that <paramref name="reader"/> stands on.</summary>
    /// <returns>False when it is no string, or no checkpoint as it is spelled: none needs an escape.</returns>
    public static bool TryRead(ref Utf8JsonReader reader, out Checkpoint checkpoint)
    {
        checkpoint = default;
        return reader.TokenType == JsonTokenType.String && !reader.ValueIsEscaped && Checkpoint.TryParse(reader.ValueSpan, out checkpoint);
    }
}
