using System.Net;
using System.Reflection;
using System.Text.Json.Nodes;
using Dequeue.Contracts;
using Dequeue.Contracts.Pushing;
using Dequeue.Contracts.Rest;
using Dequeue.Contracts.Streaming;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.Functions.Documents;
using Dequeue.Functions.Upstream;
using Microsoft.Azure.Functions.Worker;
using Dequeue.Sync.Pushing;
using Dequeue.Tests.Shared;

namespace Dequeue.EndToEnd.Tests.Documents;

/// <summary>The documents are valid, and say what the code says.</summary>
public sealed class DocumentTests(Backend backend)
{
    /// <summary>What is no call of clients: the page, the event handler of Web PubSub, what operators ask, and what browsers ask before a call.</summary>
    private static readonly string[] NotForClients =
    [
        "get /{ignored:maxlength(0)?}", "get /page/{name}", "get /page/client/{name}", $"post /{UpstreamFunction.Route}", $"options /{UpstreamFunction.Route}",
        "get /metrics", "options /v1/sync/{*call}", "options /apps/{appId}/sync/{*call}",
    ];

    [Theory]
    [InlineData("/openapi.json")]
    [InlineData("/asyncapi.json")]
    public async Task Anyone_may_read_them_and_who_has_them_is_told_so(string path)
    {
        using var answer = await backend.Http.GetAsync(path, TestContext.Current.CancellationToken);
        using var again = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { IfNoneMatch = { answer.Headers.ETag! } } };
        using var unchanged = await backend.Http.SendAsync(again, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("application/json", answer.Content.Headers.ContentType!.ToString());
        Assert.True(answer.Headers.CacheControl!.NoCache);
        Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
    }

    [Fact]
    public async Task The_calls_are_valid_OpenAPI()
    {
        using var documents = await ServedDocuments.FetchAsync(backend);
        await NodeTools.RunAsync("documents/openapi.mjs", [documents.OpenApiFile], TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task The_messages_are_valid_AsyncAPI()
    {
        using var documents = await ServedDocuments.FetchAsync(backend);
        await NodeTools.RunAsync("documents/asyncapi.mjs", [documents.AsyncApiFile], TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Every_example_fits_its_schema()
    {
        using var documents = await ServedDocuments.FetchAsync(backend);
        var count = await NodeTools.RunAsync("documents/examples.mjs", [documents.OpenApiFile, documents.AsyncApiFile], TestContext.Current.CancellationToken);
        Assert.InRange(int.Parse(count, System.Globalization.CultureInfo.InvariantCulture), 40, 1000);
    }

    [Fact]
    public async Task Its_routes_are_those_of_the_functions()
    {
        using var documents = await ServedDocuments.FetchAsync(backend);
        var functions = from method in typeof(DocumentFunctions).Assembly.GetTypes().SelectMany(type => type.GetMethods())
                        where method.GetCustomAttribute<FunctionAttribute>() is not null
                        from trigger in method.GetParameters().Select(parameter => parameter.GetCustomAttribute<HttpTriggerAttribute>()).OfType<HttpTriggerAttribute>()
                        from verb in trigger.Methods!
                        select $"{verb} /{trigger.Route}";

        Assert.Equal(
            functions.Except(NotForClients).Order(StringComparer.Ordinal),
            documents.Operations().Select(operation => $"{operation.Method} {operation.Path}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Schemas_of_one_name_are_the_same_in_both()
    {
        using var documents = await ServedDocuments.FetchAsync(backend);
        var shared = documents.MessageSchemas.Where(schema => documents.CallSchemas.ContainsKey(schema.Key)).ToList();

        Assert.Contains("Event", shared.Select(schema => schema.Key));
        Assert.All(shared, schema => Assert.True(JsonNode.DeepEquals(schema.Value, documents.CallSchemas[schema.Key]), schema.Key));
    }

    [Fact]
    public async Task Codes_and_limits_are_those_of_the_code()
    {
        using var documents = await ServedDocuments.FetchAsync(backend);
        var codes = typeof(ErrorCodes).GetFields().Select(field => (string)field.GetRawConstantValue()!);
        JsonNode Field(string schema, string field) => (documents.CallSchemas[schema] ?? documents.MessageSchemas[schema])!["properties"]![field]!;

        Assert.Equal(codes.Order(StringComparer.Ordinal), documents.CallSchemas["ErrorCode"]!["enum"]!.AsArray().Select(code => (string)code!).Order(StringComparer.Ordinal));
        Assert.Equal(EventId.MaxLength, (int)Field("Event", "id")["maxLength"]!);
        Assert.Equal(UserId.MaxLength, (int)Field("Event", "user_id")["maxLength"]!);
        Assert.Equal(PushLimits.MaxTypeLength, (int)Field("Event", "type")["maxLength"]!);
        Assert.Equal(PushLimits.MaxEvents, (int)Field("Push", "events")["maxItems"]!);
        Assert.Equal(PageLimits.Max, (int)Field("Page", "events")["maxItems"]!);
        Assert.Equal(PageLimits.Default, (int)Field("Pull", "limit")["default"]!);
        Assert.Equal(DigestsRequest.MaxRanges, (int)Field("DigestsWanted", "checkpoints")["maxItems"]!);
        Assert.Equal(StreamRequest.MaxBatchSize, (int)Field("Request", "batchSize")["default"]!);
        Assert.Equal(StreamRequest.MaxBatchSize, (int)Field("Batch", "events")["maxItems"]!);
        Assert.Equal(StreamPriority.MaxEntities, (int)Field("Priority", "entityIds")["maxItems"]!);
        Assert.Equal(StreamPriority.MaxIdLength, (int)Field("Priority", "entityIds")["items"]!["maxLength"]!);
        Assert.Equal(AppId.MaxLength, (int)documents.OpenApi["components"]!["parameters"]!["AppId"]!["schema"]!["maxLength"]!);
    }
}
