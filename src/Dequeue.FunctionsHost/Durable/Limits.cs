namespace Dequeue.FunctionsHost.Durable;

/// <summary>What the engine takes. A refusal is a sentence; null means that all is well.</summary>
internal static class Limits
{
    /// <summary>
    /// The longest text stored, in UTF-16 units. The Durable Task Scheduler refuses more than 1 MiB; Azure Storage puts
    /// more than 45 KB into blobs, which is slow.
    /// </summary>
    public const int MaxPayload = 1024 * 1024;

    /// <summary>The longest custom status: 16 KB of UTF-16.</summary>
    public const int MaxCustomStatus = 8 * 1024;

    /// <summary>Azure Storage takes no longer id.</summary>
    private const int MaxIdLength = 100;

    public static string? Refuse(string? payload, string what, int limit = MaxPayload) => payload?.Length > limit
        ? $"{what} is {payload.Length:N0} characters of JSON; durable history takes at most {limit:N0}."
        : null;

    public static string? RefuseId(string id) =>
        id.Length is 0 or > MaxIdLength || id[0] == '@' || id.AsSpan().IndexOfAny("/\\#?") >= 0 || id.Any(char.IsControl)
            ? $"An instance id has 1 to {MaxIdLength} characters, does not begin with '@', and has no "
                + "'/', '\\', '#', '?' or control character."
            : null;
}
