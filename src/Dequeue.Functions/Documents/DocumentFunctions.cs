using Dequeue.Functions.Http;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Documents;

/// <summary>The protocol for machines: what client generators, validators and viewers read. Embedded in this assembly.</summary>
public sealed class DocumentFunctions
{
    /// <summary>How the project file names the embedded resources.</summary>
    private const string ResourcePrefix = "documents/";

    private static readonly IResult OpenApi = Read("openapi.json");
    private static readonly IResult AsyncApi = Read("asyncapi.json");

    /// <summary><c>GET /openapi.json</c>: the HTTP calls, as OpenAPI 3.1.</summary>
    [Function("OpenApi")]
    public static IResult GetOpenApi([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "openapi.json")] HttpRequest request) => OpenApi;

    /// <summary><c>GET /asyncapi.json</c>: the messages on the WebSocket, as AsyncAPI 3.0.</summary>
    [Function("AsyncApi")]
    public static IResult GetAsyncApi([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "asyncapi.json")] HttpRequest request) => AsyncApi;

    private static TaggedContent Read(string name)
    {
        using var resource = typeof(DocumentFunctions).Assembly.GetManifestResourceStream(ResourcePrefix + name)!;
        var content = new byte[resource.Length];
        resource.ReadExactly(content);
        return new TaggedContent(content, "application/json");
    }
}
