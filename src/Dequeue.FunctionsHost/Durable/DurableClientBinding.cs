using System.Text.Json;
using Dequeue.FunctionsHost.Rpc.Messages;

namespace Dequeue.FunctionsHost.Durable;

/// <summary>The parameter by which a function reaches the durable task hub.</summary>
internal sealed class DurableClientBinding(Uri taskHub)
{
    /// <summary>The one task hub of this host.</summary>
    public const string TaskHubName = "local";

    private readonly string _json = new System.Text.Json.Nodes.JsonObject
    {
        ["rpcBaseUrl"] = taskHub.AbsoluteUri,
        ["taskHubName"] = TaskHubName,
        ["connectionName"] = "",
        ["requiredQueryStringParameters"] = "",
        ["httpBaseUrl"] = "",

        // Without it every answer is refused as too large.
        ["maxGrpcMessageSizeInBytes"] = int.MaxValue,
    }.ToJsonString(JsonSerializerOptions.Default);

    /// <summary>The parameter of this name.</summary>
    public ParameterBinding For(string name) => new() { Name = name, Data = new TypedData { String = _json } };
}
