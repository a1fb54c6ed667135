using System.Text.Json;
using System.Text.Json.Nodes;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.EndToEnd.Tests.Documents;

/// <summary>The documents as a backend serves them, in files for the validators.</summary>
internal sealed class ServedDocuments : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("dequeue-documents-");
    private readonly List<string> _traffic = [];

    private ServedDocuments(string openApi, string asyncApi)
    {
        (OpenApi, AsyncApi) = (JsonNode.Parse(openApi)!, JsonNode.Parse(asyncApi)!);
        File.WriteAllText(OpenApiFile, openApi);
        File.WriteAllText(AsyncApiFile, asyncApi);
    }

    public JsonNode OpenApi { get; }

    public JsonNode AsyncApi { get; }

    public string OpenApiFile => Path.Combine(_folder.FullName, "openapi.json");

    public string AsyncApiFile => Path.Combine(_folder.FullName, "asyncapi.json");

    /// <summary>The schemas of the calls.</summary>
    public JsonObject CallSchemas => OpenApi["components"]!["schemas"]!.AsObject();

    /// <summary>The schemas of the messages.</summary>
    public JsonObject MessageSchemas => AsyncApi["components"]!["schemas"]!.AsObject();

    public static async Task<ServedDocuments> FetchAsync(Backend backend)
        => new(
            await backend.Http.GetStringAsync("/openapi.json", TestContext.Current.CancellationToken),
            await backend.Http.GetStringAsync("/asyncapi.json", TestContext.Current.CancellationToken));

    /// <summary>Every operation of the calls, with its path and method.</summary>
    public IEnumerable<(string Path, string Method, JsonObject Operation)> Operations()
        => from path in OpenApi["paths"]!.AsObject()
           from operation in path.Value!.AsObject()
           where operation.Key != "parameters"
           select (path.Key, operation.Key, operation.Value!.AsObject());

    /// <summary>The node that a node refers to, or itself.</summary>
    public JsonNode Resolve(JsonNode node)
        => node["$ref"] is { } reference ? ((string)reference!)["#/".Length..].Split('/').Aggregate(OpenApi, (parent, name) => parent[name]!) : node;

    /// <summary>Remembers a call or a message, to be held against the documents by tests/node/documents/traffic.mjs.</summary>
    public void Record(object traffic) => _traffic.Add(JsonSerializer.Serialize(traffic, JsonSerializerOptions.Web));

    /// <summary>Writes what was remembered into a file.</summary>
    public async Task<string> WriteTrafficAsync()
    {
        var file = Path.Combine(_folder.FullName, "traffic.jsonl");
        await File.WriteAllLinesAsync(file, _traffic, TestContext.Current.CancellationToken);
        return file;
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
