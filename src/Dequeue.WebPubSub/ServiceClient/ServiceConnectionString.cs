namespace Dequeue.WebPubSub.ServiceClient;

/// <summary>Reads <c>Endpoint=…;AccessKey=…;Version=1.0;</c>, with an optional <c>Port</c>.</summary>
internal static class ServiceConnectionString
{
    /// <summary>Endpoint and key. Names are case-insensitive; a value may hold <c>=</c>.</summary>
    /// <exception cref="ArgumentException">A part is missing, doubled, or not of its form. The message never holds a value.</exception>
    public static (Uri Endpoint, string AccessKey) Parse(string connectionString)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        var parts = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var part in connectionString.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var at = part.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0 || !parts.TryAdd(part[..at].Trim(), part[(at + 1)..].Trim())) throw Malformed("has a part that is no key=value, or a key twice");
        }

        if (!parts.TryGetValue("Endpoint", out var text) || !Uri.TryCreate(text, UriKind.Absolute, out var endpoint) || endpoint.Scheme is not ("http" or "https"))
        {
            throw Malformed("has no Endpoint that is an http or https URL");
        }

        if (!parts.TryGetValue("AccessKey", out var key) || key.Length == 0) throw Malformed("has no AccessKey");
        if (parts.TryGetValue("Port", out var port) && endpoint.IsDefaultPort)
        {
            if (!ushort.TryParse(port, out var number)) throw Malformed("has a Port that is no port");
            endpoint = new UriBuilder(endpoint) { Port = number }.Uri;
        }

        return (endpoint, key);
    }

    private static ArgumentException Malformed(string what) => new($"The Web PubSub connection string {what}.");
}
