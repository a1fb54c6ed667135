namespace Dequeue.Functions.Configuration;

/// <summary>The origins of browser apps: a comma list such as <c>https://app.example,http://localhost:5173</c>, or <c>*</c> for every one.</summary>
internal sealed class AllowedOrigins
{
    private const string Every = "*";

    private readonly HashSet<string> _origins;

    private AllowedOrigins(HashSet<string> origins) => _origins = origins;

    /// <summary>No origin.</summary>
    public static AllowedOrigins None { get; } = new([]);

    /// <summary>Whether none is named.</summary>
    public bool IsEmpty => _origins.Count == 0;

    /// <summary>Whether a page of this origin may call.</summary>
    /// <param name="origin">The header <c>Origin</c>, as browsers write it.</param>
    public bool Allow(string origin) => _origins.Contains(Every) || _origins.Contains(origin);

    /// <summary>Reads a list.</summary>
    /// <param name="list">Null or empty for none.</param>
    /// <param name="origins">What it names.</param>
    /// <returns>False when an item is no origin: scheme and host, a port at most, no path.</returns>
    public static bool TryParse(string? list, out AllowedOrigins origins)
    {
        var items = (list ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        origins = new AllowedOrigins(new HashSet<string>(items, StringComparer.OrdinalIgnoreCase));
        return Array.TrueForAll(items, item => item == Every || IsOrigin(item));
    }

    private static bool IsOrigin(string item)
        => Uri.TryCreate(item, UriKind.Absolute, out var url)
            && (url.Scheme == Uri.UriSchemeHttps || url.Scheme == Uri.UriSchemeHttp)
            && url.GetLeftPart(UriPartial.Authority).Equals(item, StringComparison.OrdinalIgnoreCase);
}
