namespace Dequeue.WebPubSub.Clients;

/// <summary>How a client speaks.</summary>
internal enum ClientKind
{
    /// <summary>Bare frames, no envelope.</summary>
    Simple,

    /// <summary><c>json.webpubsub.azure.v1</c>.</summary>
    Json,

    /// <summary><c>json.reliable.webpubsub.azure.v1</c>.</summary>
    ReliableJson,
}

/// <summary>The subprotocols that the service speaks.</summary>
internal static class Subprotocols
{
    private const string Json = "json.webpubsub.azure.v1";
    private const string ReliableJson = "json.reliable.webpubsub.azure.v1";

    /// <summary>The kind of client that a subprotocol makes; any other name makes a simple client.</summary>
    public static ClientKind KindOf(string? subprotocol) => subprotocol switch
    {
        not null when subprotocol.Equals(Json, StringComparison.OrdinalIgnoreCase) => ClientKind.Json,
        not null when subprotocol.Equals(ReliableJson, StringComparison.OrdinalIgnoreCase) => ClientKind.ReliableJson,
        _ => ClientKind.Simple,
    };

    /// <summary>The first of the offered subprotocols that the service speaks, in the client's spelling.</summary>
    public static string? FirstKnown(IEnumerable<string> offered) => offered.FirstOrDefault(name => KindOf(name) != ClientKind.Simple);
}
