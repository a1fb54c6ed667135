using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Dequeue.Contracts;
using Dequeue.Contracts.Pushing;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.Operation;
using Dequeue.Sync.Pushing;
using Dequeue.Tests.Shared;

namespace Dequeue.EndToEnd.Tests.Documents;

/// <summary>Every call of openapi.json is made, with each answer that it documents, and each answer is held against its schema.</summary>
public sealed class CallTrafficTests : IAsyncDisposable
{
    private const string DeadAddress = "http://127.0.0.1:1";

    /// <summary>What only a bug or a missing backend brings forth, and what takes ten seconds a call (RequestBodiesTests has it).</summary>
    private static readonly string[] NotProvoked = ["408", "500", "502"];

    private readonly List<Backend> _backends = [];

    [Fact]
    public async Task Every_documented_answer_is_given_and_fits_its_schema()
    {
        var good = await StartAsync();
        var strict = await StartAsync(("Limits:CallsPerSecond", "1"));
        var withoutIssuer = await StartAsync(("Auth:Authority", DeadAddress), ("Auth:Audience", "sync-api"));
        await using var withoutPubSub = await OperationHost.StartAsync(("WebPubSubConnectionString", $"Endpoint={DeadAddress};AccessKey={Backend.AccessKey}"));
        using var documents = await ServedDocuments.FetchAsync(good);

        // Pages that are more than the examples.
        await (good.NewUser() with { Id = Ada, Token = Token(good) }).PushHistoryAsync(300);

        var expected = new List<string>();
        foreach (var (path, method, operation) in documents.Operations())
        {
            var statuses = operation["responses"]!.AsObject().Select(response => response.Key).Except(NotProvoked);
            foreach (var status in statuses)
            {
                expected.Add($"{operation["operationId"]} {status}");
                var (http, token) = status switch
                {
                    "503" when path == "/healthz" => (withoutPubSub.Http, ""),
                    "503" => (withoutIssuer.Http, Unverifiable),
                    "429" => (strict.Http, Token(strict)),
                    "403" => (good.Http, Token(good, "other.app")),
                    _ => (good.Http, Token(good)),
                };
                var given = "";
                for (var attempt = 0; given != status && attempt < (status == "429" ? 50 : 1); attempt++)
                {
                    using var request = Request(documents, path, method, operation, status);
                    if (operation["security"] is not JsonArray { Count: 0 } && status != "401") request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
                    given = await CallAsync(documents, http, request);
                }

                Assert.True(given == status, $"{expected[^1]}: the answer was {given}");
            }
        }

        var seen = await NodeTools.RunAsync(
            "documents/traffic.mjs", [documents.OpenApiFile, documents.AsyncApiFile, await documents.WriteTrafficAsync()], TestContext.Current.CancellationToken);
        Assert.Empty(expected.Except(seen.Split('\n')));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var backend in _backends) await backend.DisposeAsync();
    }

    /// <summary>The user of the examples.</summary>
    private static UserId Ada => UserId.Parse("ada");

    /// <summary>The token of an issuer that cannot be asked for its keys.</summary>
    private static string Unverifiable
        => $"{Base64Url("""{"alg":"RS256","kid":"k"}""")}.{Base64Url("""{"sub":"ada","aud":"sync-api","exp":4102444800}""")}.{Base64Url("signature")}";

    private static string Base64Url(string text) => System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    private static string Token(Backend backend, string app = "dequeue") => backend.Token(Ada, app, TimeSpan.FromHours(1));

    private async Task<Backend> StartAsync(params (string Key, string? Value)[] settings)
    {
        var backend = await Backend.StartAsync(settings.Append(("Sync:Apps", "dequeue,other.app")).ToDictionary(setting => setting.Item1, setting => setting.Item2));
        _backends.Add(backend);
        return backend;
    }

    /// <summary>The documented request, with the mistake, if need be, that a status stands for.</summary>
    private static HttpRequestMessage Request(ServedDocuments documents, string path, string method, JsonObject operation, string status)
    {
        var isGet = method == "get";
        var request = new HttpRequestMessage(
            HttpMethod.Parse(method),
            path.Replace("{appId}", "dequeue", StringComparison.Ordinal) + (isGet ? status switch { "400" => "?since=yesterday", "409" => "?epoch=another", _ => "" } : ""));
        if (operation["requestBody"] is { } reference)
        {
            var example = documents.Resolve(reference)["content"]!["application/json"]!["example"]!.ToJsonString();
            request.Content = status switch
            {
                "400" => new StringContent("no JSON"),
                "409" => new StringContent($$"""{"epoch":"another",{{example.TrimStart('{')}}""", Encoding.UTF8, "application/json"),
                "413" => new ByteArrayContent(new byte[PushLimits.MaxBodyBytes + 1]),
                _ => new StringContent(example, Encoding.UTF8, "application/json"),
            };
            if (status == "415") request.Content.Headers.ContentEncoding.Add("gzip");
        }

        // What a gateway answers, it answers to an upgrade.
        if (operation["responses"]!["101"] is not null && status != "426")
        {
            request.Headers.TryAddWithoutValidation("Connection", "Upgrade");
            request.Headers.TryAddWithoutValidation("Upgrade", "websocket");
            request.Headers.TryAddWithoutValidation("Sec-WebSocket-Version", "13");
            request.Headers.TryAddWithoutValidation("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        }

        if (status == "304") request.Headers.IfNoneMatch.Add(EntityTagHeaderValue.Any);
        return request;
    }

    /// <summary>Makes a call and remembers it.</summary>
    /// <returns>The status.</returns>
    private static async Task<string> CallAsync(ServedDocuments documents, HttpClient http, HttpRequestMessage request)
    {
        var sent = request.Content is { } content && content.Headers.ContentType is not null ? await content.ReadAsStringAsync(TestContext.Current.CancellationToken) : null;
        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        var received = answer.StatusCode == HttpStatusCode.SwitchingProtocols ? "" : await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        documents.Record(new
        {
            Method = request.Method.Method.ToLowerInvariant(),
            Path = request.RequestUri!.AbsolutePath,
            Status = (int)answer.StatusCode,
            Headers = answer.Headers.Concat(answer.Content.Headers).ToDictionary(header => header.Key.ToLowerInvariant(), header => string.Join(", ", header.Value)),
            Request = Json(sent),
            Answer = Json(received),
        });
        return ((int)answer.StatusCode).ToString(CultureInfo.InvariantCulture);
    }

    private static JsonNode? Json(string? text) => text is ['{', ..] ? JsonNode.Parse(text) : null;
}
