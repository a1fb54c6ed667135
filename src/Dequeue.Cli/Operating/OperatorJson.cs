using System.Text.Json.Serialization;

namespace Dequeue.Cli.Operating;

/// <summary>The JSON of what an operator asks.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ServerStatus))]
internal sealed partial class OperatorJson : JsonSerializerContext;
