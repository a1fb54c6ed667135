using System.Text.Json;
using System.Text.Json.Serialization;
using Dequeue.Functions.Streaming;

namespace Dequeue.Functions.Upstream;

/// <summary>The answer to <c>connect</c>.</summary>
/// <param name="Groups">The groups that the connection joins: its own, and those of its token, which an answer with groups replaces.</param>
/// <param name="Subprotocol">The one of those offered that is spoken here, or null for a plain WebSocket client.</param>
internal sealed record ConnectReply(IReadOnlyList<string> Groups, string? Subprotocol)
{
    private static readonly string[] Spoken = ["json.reliable.webpubsub.azure.v1", "json.webpubsub.azure.v1"];

    /// <summary>Answers a connect request.</summary>
    /// <param name="connectionId">Who connects.</param>
    /// <param name="body">The request's JSON: <c>claims</c>, <c>subprotocols</c> …</param>
    /// <exception cref="JsonException">It is no such JSON.</exception>
    public static ConnectReply For(string connectionId, ReadOnlyMemory<byte> body)
    {
        var request = JsonSerializer.Deserialize(body.Span, ConnectJson.Default.ConnectRequest);
        var groups = request?.Claims?.GetValueOrDefault("webpubsub.group") ?? [];
        return new ConnectReply(
            [StreamTarget.GroupOf(connectionId), .. groups],
            request?.Subprotocols?.FirstOrDefault(offered => Spoken.Contains(offered, StringComparer.OrdinalIgnoreCase)));
    }
}

/// <summary>What <c>connect</c> asks, as far as it matters here.</summary>
internal sealed record ConnectRequest(Dictionary<string, string[]>? Claims, string[]? Subprotocols);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ConnectReply))]
[JsonSerializable(typeof(ConnectRequest))]
internal sealed partial class ConnectJson : JsonSerializerContext;
