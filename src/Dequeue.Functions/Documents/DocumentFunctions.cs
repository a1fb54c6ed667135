using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

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
    public static IResult GetOpenApi([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "openapi.json")] HttpRequest request) => Answer(request, OpenApi);

    /// <summary><c>GET /asyncapi.json</c>: the messages on the WebSocket, as AsyncAPI 3.0.</summary>
    [Function("AsyncApi")]
    public static IResult GetAsyncApi([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "asyncapi.json")] HttpRequest request) => Answer(request, AsyncApi);

    private static IResult Answer(HttpRequest request, IResult document)
    {
        ArgumentNullException.ThrowIfNull(request);

        // Asked for each time, and answered by 304 until a deployment changes it.
        request.HttpContext.Response.Headers.CacheControl = "no-cache";
        return document;
    }

    private static IResult Read(string name)
    {
        using var resource = typeof(DocumentFunctions).Assembly.GetManifestResourceStream(ResourcePrefix + name)!;
        var content = new byte[resource.Length];
        resource.ReadExactly(content);
        return Results.Bytes(content, "application/json", entityTag: new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 16))}\""));
    }
}
