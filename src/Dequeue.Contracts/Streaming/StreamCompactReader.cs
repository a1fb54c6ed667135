using Dequeue.Contracts.Pushing;

namespace Dequeue.Contracts.Streaming;

/// <summary>Reads the field <c>compact</c> of requests, over the socket and by REST.</summary>
public static class StreamCompactReader
{
    /// <summary>What a client is told whose <c>compact</c> is none.</summary>
    public static readonly string Rule =
        $"compact is true or false, or an object with keep, at most {StreamCompact.MaxTypes} types "
            + $"of 1 to {PushLimits.MaxTypeLength} characters.";

    /// <summary>Reads the value that <paramref name="json"/> stands on.</summary>
    /// <param name="json">Stands on a value that is not null.</param>
    /// <param name="compact">What is asked for; null for the whole history.</param>
    /// <returns>False when it is malformed.</returns>
    public static bool TryRead(ref JsonObjectReader json, out StreamCompact? compact)
    {
        compact = json.Boolean() is true ? new StreamCompact() : null;
        if (json.Boolean() is not null) return true;
        if (!json.EnterObject()) return false;
        compact = new StreamCompact();
        while (json.Next())
        {
            if (!json.Is("keep"u8) || json.IsNull) continue;
            if (json.Texts(StreamCompact.MaxTypes) is not { } types || types.Any(static type => type.Length is 0 or > PushLimits.MaxTypeLength)) return false;
            compact = compact with { Keep = types };
        }

        return true;
    }
}
