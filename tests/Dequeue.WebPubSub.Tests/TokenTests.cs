using System.Net;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Text;
using Dequeue.WebPubSub.Tokens;

namespace Dequeue.WebPubSub.Tests;

public sealed class TokenTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static long In(TimeSpan time) => (TimeProvider.System.GetUtcNow() + time).ToUnixTimeSeconds();

    [Theory]
    [InlineData("/client/hubs/CHAT", 60, null)]
    [InlineData("/client/hubs/chat/", 60, null)]
    [InlineData("/client/hubs/other", 60, 401)]
    [InlineData("/client/hubs/chat", -6, 401)]
    [InlineData("", 60, 401)]
    public async Task A_client_token_is_for_its_hub_and_its_time(string path, int minutes, int? refused)
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        var token = ServiceFixture.Sign($$"""{"aud":"http://elsewhere:1{{path}}","exp":{{In(TimeSpan.FromMinutes(minutes))}}}""");
        Assert.Equal(refused, await RefusalAsync(service, $"client/hubs/chat?access_token={token}"));
        Assert.Equal(refused, await RefusalAsync(service, $"client/?hub=chat&access_token={token}"));
    }

    [Fact]
    public async Task A_token_of_another_key_or_algorithm_or_without_an_end_is_refused()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        var claims = $$"""{"aud":"http://localhost/client/hubs/chat","exp":{{In(TimeSpan.FromHours(1))}}}""";
        var good = ServiceFixture.Sign(claims);
        var other = JsonWebToken.Sign(Encoding.UTF8.GetBytes(new string('x', 40)), Encoding.UTF8.GetBytes(claims));
        var none = Convert.ToBase64String("""{"alg":"none"}"""u8).TrimEnd('=') + good[good.IndexOf('.', StringComparison.Ordinal)..];
        var endless = ServiceFixture.Sign("""{"aud":"http://localhost/client/hubs/chat"}""");

        Assert.Null(await RefusalAsync(service, $"client/hubs/chat?access_token={good}"));
        foreach (var token in new[] { other, none, endless, "", "a.b", "a.b.c", "..", good[..^2], good + "A", "é." + good })
        {
            Assert.Equal(401, await RefusalAsync(service, $"client/hubs/chat?access_token={token}"));
        }
    }

    [Fact]
    public async Task A_REST_token_is_for_the_full_URL_with_or_without_its_query()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var http = new HttpClient();

        Assert.Equal(HttpStatusCode.Accepted, await SendAsync("/api/hubs/chat/groups/a%2Fb/:send?api-version=2024-12-01&excluded=x"));
        Assert.Equal(HttpStatusCode.Accepted, await SendAsync("/api/hubs/chat/groups/a%2Fb/:send"));
        Assert.Equal(HttpStatusCode.Accepted, await SendAsync("/api/hubs/chat/groups/a/b/:send"));
        Assert.Equal(HttpStatusCode.Unauthorized, await SendAsync("/api/hubs/chat/groups/c/:send"));
        Assert.Equal(HttpStatusCode.Unauthorized, await SendAsync("/api/hubs/chat/groups/a%2Fb/:send?api-version=2024-01-01"));
        Assert.Equal(HttpStatusCode.Unauthorized, await SendAsync(null));

        async Task<HttpStatusCode> SendAsync(string? audience)
        {
            using var request = new HttpRequestMessage(
                HttpMethod.Post, new Uri(service.Server.Endpoint, "/api/hubs/chat/groups/a%2Fb/:send?api-version=2024-12-01&excluded=x"));
            request.Content = new StringContent("hi");
            if (audience is not null)
            {
                var token = ServiceFixture.Sign($$"""{"aud":"http://127.0.0.1{{audience}}","exp":{{In(TimeSpan.FromMinutes(5))}}}""");
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            }

            using var response = await http.SendAsync(request, Cancel);
            if (response.StatusCode == HttpStatusCode.Unauthorized) Assert.Equal("Error.Unauthorized", Assert.Single(response.Headers.GetValues("x-ms-error-code")));
            return response.StatusCode;
        }
    }

    /// <returns>The status of a refused handshake, or null when the client came in.</returns>
    private static async Task<int?> RefusalAsync(ServiceFixture service, string relative)
    {
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        try
        {
            await socket.ConnectAsync(new Uri($"ws://localhost:{service.Server.Endpoint.Port}/{relative}"), Cancel);
            return null;
        }
        catch (WebSocketException)
        {
            return (int)socket.HttpStatusCode;
        }
    }
}
