using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Dequeue.Cli.Serving;
using Dequeue.Contracts;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.Functions.Auth;

namespace Dequeue.EndToEnd.Tests.Hostile;

/// <summary>A server with a heap of 768 MB outlives what one user's connections can make it hold, and serves the others.</summary>
public sealed class MemoryTests : IAsyncLifetime
{
    private const int LargeEvents = 960;

    private static readonly Dictionary<string, string> SmallHeap = new() { ["DOTNET_GCHeapHardLimit"] = "0x30000000" };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("dequeue-memory-");
    private readonly List<TcpClient> _connections = [];
    private ChildProcess _server = null!;
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        (_server, var address) = await ChildProcess.ServeAsync(SmallHeap, _folder.FullName);
        _http = new HttpClient { BaseAddress = address, Timeout = Guard.Time };
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in _connections) connection.Dispose();
        _http.Dispose();
        await _server.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Four_hundred_pushes_that_announce_4_MB_and_send_ten_bytes_cost_what_they_sent()
    {
        for (var i = 0; i < 400; i++)
            await SendAsync($"POST /v1/sync/push HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {Token("mallory")}\r\nContent-Type: application/json\r\nContent-Length: 4194304\r\n\r\n{{\"events\":[");

        await OthersAreServedAsync();
    }

    [Fact]
    public async Task Fifteen_readers_of_57_MB_that_take_nothing_cost_a_bounded_part_each()
    {
        var large = new string('x', 60_000);
        foreach (var push in Enumerable.Range(0, LargeEvents).Chunk(40))
            await PushAsync("mallory", push.Select(i => Event($"large-{i}", large)));
        for (var i = 0; i < 15; i++)
            await SendAsync($"GET /v1/sync/events?limit=1000 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {Token("mallory")}\r\n\r\n");

        await OthersAreServedAsync();
    }

    private async Task OthersAreServedAsync()
    {
        for (var round = 0; round < 20; round++)
        {
            await PushAsync("ada", Enumerable.Range(0, 40).Select(i => Event($"good-{round}-{i}", round == 0 ? new string('x', 50_000) : "")));
            using var answer = await CallAsync(HttpMethod.Get, "/v1/sync/events", "ada", null);
            Assert.Equal(Math.Min(100, 40 * (round + 1)), (await TestUser.JsonOf(answer)).GetProperty("events").GetArrayLength());
        }

        Assert.False(_server.HasEnded, _server.Errors);
        Assert.DoesNotContain("OutOfMemory", _server.Errors, StringComparison.Ordinal);
    }

    private async Task PushAsync(string user, IEnumerable<string> events)
    {
        using var answer = await CallAsync(HttpMethod.Post, "/v1/sync/push", user, $$"""{"events":[{{string.Join(',', events)}}]}""");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    private async Task<HttpResponseMessage> CallAsync(HttpMethod method, string path, string user, string? body)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token(user));
        return await _http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private async Task SendAsync(string request)
    {
        var connection = new TcpClient { ReceiveBufferSize = 4096 };
        _connections.Add(connection);
        await connection.ConnectAsync(IPAddress.Loopback, _http.BaseAddress!.Port, TestContext.Current.CancellationToken);
        await connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
    }

    private static string Event(string id, string text) => $$$"""{"id":"{{{id}}}","user_id":"","ts":"2026-01-01T00:00:00Z","type":"t","payload":{"x":"{{{text}}}"},"payload_version":2}""";

    private string Token(string user)
        => DevTokens.Create(Encoding.UTF8.GetBytes(DataFolder.Open(_folder.FullName).DevSigningKey()), UserId.Parse(user), AppId.Parse("dequeue"), TimeProvider.System.GetUtcNow(), TimeSpan.FromHours(1));
}
