using System.Text.Json;
using System.Text.Json.Serialization;
using Dequeue.WebPubSub.Hubs;

namespace Dequeue.WebPubSub.Upstream;

/// <summary>What a <c>connect</c> handler is told of a client's handshake.</summary>
internal sealed record ConnectBody(
    IReadOnlyDictionary<string, IReadOnlyList<string>> Claims,
    IReadOnlyDictionary<string, IReadOnlyList<string>> Query,
    IReadOnlyDictionary<string, IReadOnlyList<string>> Headers,
    IReadOnlyList<string> Subprotocols)
{
    /// <summary>Always empty: the service has no TLS.</summary>
    public IReadOnlyList<string> ClientCertificates { get; } = [];

    /// <summary>The JSON body.</summary>
    public byte[] ToUtf8() => JsonSerializer.SerializeToUtf8Bytes(this, ConnectJson.Default.ConnectBody);
}

/// <summary>What a <c>connect</c> handler answers.</summary>
internal sealed record ConnectReply(string? UserId, IReadOnlyList<string?>? Roles, IReadOnlyList<string?>? Groups, string? Subprotocol)
{
    /// <summary>Reads an answer; an empty one changes nothing. Null when it is of no use.</summary>
    public static ConnectOutcome.Accepted? Read(byte[] body, IReadOnlyList<string> offered)
    {
        if (body.Length == 0) return ConnectOutcome.Accepted.Unchanged;
        ConnectReply? reply;
        try
        {
            reply = JsonSerializer.Deserialize(body, ConnectJson.Default.ConnectReply);
        }
        catch (JsonException)
        {
            return null;
        }

        if (reply is null
            || reply.UserId is { Length: > 0 } user && !Names.IsUser(user)
            || reply.Groups?.All(Names.IsGroup) == false
            || reply.Roles?.Any(string.IsNullOrWhiteSpace) == true
            || reply.Subprotocol is { Length: > 0 } chosen && !offered.Contains(chosen, StringComparer.OrdinalIgnoreCase))
        {
            return null;
        }

        return new ConnectOutcome.Accepted(
            reply.UserId,
            reply.Roles?.OfType<string>().ToList(),
            reply.Groups is { Count: > 0 } groups ? groups.OfType<string>().ToList() : null,
            string.IsNullOrEmpty(reply.Subprotocol) ? null : offered.First(name => name.Equals(reply.Subprotocol, StringComparison.OrdinalIgnoreCase)));
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ConnectBody))]
[JsonSerializable(typeof(ConnectReply))]
internal sealed partial class ConnectJson : JsonSerializerContext;
