using System.Net;
using System.Net.WebSockets;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.EndToEnd.Tests.Rest;

/// <summary>Browser apps of other origins: <c>Cors__Origins</c>, for the functions and for the gateway.</summary>
public sealed class CrossOriginTests : IAsyncLifetime
{
    private const string App = "https://app.example";
    private const string Stranger = "https://evil.example";

    private Backend _backend = null!;

    public async ValueTask InitializeAsync()
        => _backend = await Backend.StartAsync(new Dictionary<string, string?> { ["Cors:Origins"] = $"{App}, http://localhost:5173" });

    public ValueTask DisposeAsync() => _backend.DisposeAsync();

    [Theory]
    [InlineData("/v1/sync/push")]
    [InlineData("/v1/sync/events")]
    [InlineData("/v1/sync/stream/negotiate")]
    [InlineData("/apps/dequeue/sync/push")]
    [InlineData("/apps/dequeue/sync/live/negotiate")]
    public async Task A_browser_may_ask_before_each_call_and_hears_what_its_page_may_do(string path)
    {
        using var answer = await AskAsync(path, App);

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal(App, Single(answer, "Access-Control-Allow-Origin"));
        Assert.Equal("GET, POST", Single(answer, "Access-Control-Allow-Methods"));
        Assert.Equal("Authorization, Content-Type", Single(answer, "Access-Control-Allow-Headers"));
        Assert.Equal("7200", Single(answer, "Access-Control-Max-Age"));
        Assert.Equal("Origin", Single(answer, "Vary"));
        Assert.False(answer.Headers.Contains("Access-Control-Allow-Credentials"));
    }

    [Fact]
    public async Task A_page_of_an_origin_that_is_not_named_is_told_nothing()
    {
        using var asked = await AskAsync("/v1/sync/push", Stranger);
        using var pulled = await GetAsync("/v1/sync/events", Stranger);

        Assert.DoesNotContain(asked.Headers, header => header.Key.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain(pulled.Headers, header => header.Key.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase));
        Assert.Contains("Origin", pulled.Headers.Vary);
    }

    [Theory]
    [InlineData(true, HttpStatusCode.OK)]
    [InlineData(false, HttpStatusCode.Unauthorized)]
    public async Task Answers_and_refusals_can_be_read_by_the_pages_that_may(bool isSignedIn, HttpStatusCode status)
    {
        using var answer = await GetAsync("/v1/sync/events", App, isSignedIn);

        Assert.Equal(status, answer.StatusCode);
        Assert.Equal(App, Single(answer, "Access-Control-Allow-Origin"));
        Assert.Equal("Retry-After", Single(answer, "Access-Control-Expose-Headers"));
        Assert.Contains("Origin", answer.Headers.Vary);
        if (isSignedIn) Assert.Contains("Accept-Encoding", answer.Headers.Vary);
    }

    [Theory]
    [InlineData(App)]
    [InlineData("self")]
    [InlineData(null)]
    public async Task The_gateway_takes_sockets_of_its_own_pages_of_named_origins_and_of_what_is_no_page(string? origin)
    {
        var user = _backend.NewUser();
        using var socket = await OpenAsync(user, origin == "self" ? _backend.Address.GetLeftPart(UriPartial.Authority) : origin);
        Assert.Equal(WebSocketState.Open, socket.State);
    }

    [Fact]
    public async Task The_gateway_refuses_a_socket_of_another_page_before_it_negotiates()
    {
        var refused = await Assert.ThrowsAsync<WebSocketException>(() => OpenAsync(_backend.NewUser(), Stranger));
        Assert.Contains("403", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_setting_no_page_is_let_in_and_none_is_kept_from_the_gateway()
    {
        await using var plain = await Backend.StartAsync(new Dictionary<string, string?>());
        using var question = new HttpRequestMessage(HttpMethod.Options, "/v1/sync/push") { Headers = { { "Origin", App }, { "Access-Control-Request-Method", "POST" } } };
        using var answer = await plain.Http.SendAsync(question, TestContext.Current.CancellationToken);
        using var socket = await OpenAsync(plain.NewUser(), Stranger);

        Assert.DoesNotContain(answer.Headers, header => header.Key.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(WebSocketState.Open, socket.State);
    }

    private static string Single(HttpResponseMessage answer, string header) => Assert.Single(answer.Headers.GetValues(header));

    private static async Task<ClientWebSocket> OpenAsync(TestUser user, string? origin)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", "Bearer " + user.Token);
        if (origin is not null) socket.Options.SetRequestHeader("Origin", origin);
        try
        {
            await socket.ConnectAsync(user.StreamUrl, TestContext.Current.CancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<HttpResponseMessage> AskAsync(string path, string origin)
    {
        using var question = new HttpRequestMessage(HttpMethod.Options, path)
        {
            Headers = { { "Origin", origin }, { "Access-Control-Request-Method", "POST" }, { "Access-Control-Request-Headers", "authorization,content-type" } },
        };
        return await _backend.Http.SendAsync(question, TestContext.Current.CancellationToken);
    }

    private async Task<HttpResponseMessage> GetAsync(string path, string origin, bool isSignedIn = true)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Origin", origin } } };
        if (isSignedIn) request.Headers.Authorization = new("Bearer", _backend.NewUser().Token);
        return await _backend.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
