using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Dequeue.Functions.Streaming;
using Dequeue.Sync.Log;

namespace Dequeue.EndToEnd.Tests.Hosting;

/// <summary>An event as Web PubSub sends it, for tests that stand in its place.</summary>
internal sealed record SignedEvent(LogKey Log, string Connection, string Body)
{
    public string Type { get; init; } = "azure.webpubsub.user.message";

    public string Id { get; init; } = "1";

    /// <summary>The access key; null for no signature.</summary>
    public string? Key { get; init; } = Backend.AccessKey;

    /// <summary>A bearer token; null for none.</summary>
    public string? Token { get; init; }

    public async Task<HttpResponseMessage> SendAsync(HttpClient http)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/webpubsub/events") { Content = new StringContent(Body, Encoding.UTF8, "application/json") };
        foreach (var (name, value) in new[] { ("ce-type", Type), ("ce-id", Id), ("ce-hub", "sync"), ("ce-connectionId", Connection), ("ce-userId", ConnectionUser.Format(Log)), ("ce-awpsversion", "1.0") })
            request.Headers.TryAddWithoutValidation(name, value);
        if (Key is not null)
            request.Headers.TryAddWithoutValidation("ce-signature", "sha256=" + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Key), Encoding.UTF8.GetBytes(Connection))));
        if (Token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        return await http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
