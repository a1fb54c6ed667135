using System.Net;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.Operation;
using Microsoft.IdentityModel.Tokens;

namespace Dequeue.EndToEnd.Tests.Auth;

/// <summary>The whole backend with an issuer's tokens.</summary>
public sealed class SignedInTests
{
    [Fact]
    public async Task Tokens_of_the_issuer_open_the_apps_that_they_name_and_no_others()
    {
        await using var issuer = await LocalIssuer.StartAsync();
        var key = issuer.NewRsaKey("k");
        await using var host = await StartAsync(issuer);
        string Token(params (string, object?)[] claims) => issuer.Token(key, SecurityAlgorithms.RsaSha256, TimeProvider.System.GetUtcNow(), null, claims);

        await OperationHost.UntilAsync(async () => (await CallAsync(host, "/apps/notes/sync/pull", Token())).Status != HttpStatusCode.ServiceUnavailable);
        Assert.Equal((HttpStatusCode.OK, null), await CallAsync(host, "/apps/notes/sync/pull", Token(("tenant", "notes"))));
        Assert.Equal((HttpStatusCode.Forbidden, "UNAUTHORIZED"), await CallAsync(host, "/apps/dequeue/sync/pull", Token(("tenant", "notes"))));
        Assert.Equal((HttpStatusCode.Forbidden, "UNAUTHORIZED"), await CallAsync(host, "/apps/absent/sync/pull", Token()));
        Assert.Equal((HttpStatusCode.OK, null), await CallAsync(host, "/apps/dequeue/sync/pull", Token()));
        Assert.Equal((HttpStatusCode.Unauthorized, "UNAUTHORIZED"), await CallAsync(host, "/v1/sync/pull", Token() + "x"));
        Assert.Equal((HttpStatusCode.Unauthorized, "UNAUTHORIZED"), await CallAsync(host, "/v1/sync/pull", OperationHost.Token("ada")));
    }

    [Fact]
    public async Task While_the_issuer_does_not_answer_calls_are_503_and_afterwards_they_are_answered()
    {
        await using var issuer = await LocalIssuer.StartAsync();
        issuer.IsDown = true;
        var key = issuer.NewRsaKey("k");
        await using var host = await StartAsync(issuer);
        var token = issuer.Token(key, SecurityAlgorithms.RsaSha256, TimeProvider.System.GetUtcNow());

        using var answer = await host.SendAsync(HttpMethod.Post, "/v1/sync/pull", token, "{}");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        Assert.NotNull(answer.Headers.RetryAfter);
        Assert.Equal("INTERNAL", (await TestUser.JsonOf(answer)).GetProperty("code").GetString());
        Assert.Contains(host.Lines.All, line => line.Id == 103);
        Assert.DoesNotContain(host.Lines.All, line => line.Text.Contains(token, StringComparison.Ordinal));

        issuer.IsDown = false;
        await OperationHost.UntilAsync(async () => (await CallAsync(host, "/v1/sync/pull", token)).Status == HttpStatusCode.OK);
    }

    private static Task<OperationHost> StartAsync(LocalIssuer issuer)
        => OperationHost.StartAsync(
            ("Auth:DevSigningKey", null), ("Auth:Authority", issuer.Address.AbsoluteUri), ("Auth:Audience", "sync-api"), ("Auth:AppClaim", "tenant"),
            ("Sync:Apps", "dequeue,notes"));

    private static async Task<(HttpStatusCode Status, string? Code)> CallAsync(OperationHost host, string path, string token)
    {
        using var answer = await host.SendAsync(HttpMethod.Post, path, token, "{}");
        var body = await TestUser.JsonOf(answer);
        return (answer.StatusCode, body.TryGetProperty("code", out var code) ? code.GetString() : null);
    }
}
