using System.Net.Http.Headers;
using System.Text;
using Dequeue.WebPubSub;

namespace Dequeue.WebPubSub.Tests;

/// <summary>Calls the data plane of the hub "chat" at the level of HTTP, with a valid token.</summary>
public sealed class RestCaller(WebPubSubServer server) : IDisposable
{
    private readonly HttpClient _http = new();

    public sealed record Answer(int Status, string? ErrorCode, string Body);

    public Task<Answer> SendAsync(string method, string relative, string? body = null, string? contentType = null)
        => SendAsync(method, relative, body is null ? null : new ByteArrayContent(Encoding.UTF8.GetBytes(body)), contentType);

    public async Task<Answer> SendAsync(string method, string relative, HttpContent? content, string? contentType)
    {
        var url = new Uri($"{server.Endpoint}api/hubs/chat/{relative}");
        using var request = new HttpRequestMessage(new HttpMethod(method), url) { Content = content };
        if (contentType is not null) request.Content!.Headers.TryAddWithoutValidation("Content-Type", contentType);
        var expires = TimeProvider.System.GetUtcNow().AddHours(1).ToUnixTimeSeconds();
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", ServiceFixture.Sign($$"""{"aud":"{{url.AbsoluteUri}}","exp":{{expires}}}"""));
        using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        return new Answer(
            (int)response.StatusCode,
            response.Headers.TryGetValues("x-ms-error-code", out var codes) ? codes.Single() : null,
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    public void Dispose() => _http.Dispose();
}
