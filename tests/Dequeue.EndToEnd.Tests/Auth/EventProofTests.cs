using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Dequeue.Contracts;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.Hostile;
using Dequeue.EndToEnd.Tests.Operation;
using Dequeue.Sync.Log;
using Microsoft.IdentityModel.Tokens;

namespace Dequeue.EndToEnd.Tests.Auth;

/// <summary>How Web PubSub proves itself to the event handler: a token of its managed identity, or a signature.</summary>
public sealed class EventProofTests
{
    private const string Tenant = "0f0e0d0c-0b0a-0908-0706-050403020100";
    private const string Service = "a0a1a2a3-a4a5-a6a7-a8a9-aaabacadaeaf";

    [Fact]
    public async Task An_event_with_the_token_of_our_services_identity_is_accepted_and_any_other_is_401()
    {
        await using var entra = await LocalIssuer.StartAsync();
        await using var host = await StartAsync(entra);
        var key = entra.NewRsaKey("k");
        string Token(Action<SecurityTokenDescriptor>? change, params (string, object?)[] claims)
            => entra.Token(key, SecurityAlgorithms.RsaSha256, TimeProvider.System.GetUtcNow(), token =>
            {
                token.Audience = "https://webpubsub.azure.com";
                change?.Invoke(token);
            }, [("tid", Tenant), ("oid", Service), .. claims]);

        Assert.Equal(HttpStatusCode.OK, await ConnectAsync(host, Token(null)));
        Assert.Equal(HttpStatusCode.OK, await ConnectAsync(host, Token(token => token.Audience += "/")));
        Assert.Equal(HttpStatusCode.OK, await ConnectAsync(host, Token(token => token.Issuer = $"https://sts.windows.net/{Tenant}/")));
        Assert.Equal(HttpStatusCode.OK, await ConnectAsync(host, Token(null, ("oid", Service.ToUpperInvariant()))));

        var refused = new List<(string? Token, string Why)>
        {
            (null, "no token"),
            ("rubbish", "malformed"),
            (Token(token => token.Audience = "https://evil.example"), "aud"),
            (Token(token => token.Issuer = $"https://sts.windows.net/{Guid.Empty}/"), "iss"),
            (Token(token => token.Expires = TimeProvider.System.GetUtcNow().AddMinutes(-2).UtcDateTime), "exp or nbf"),
            (Token(token => token.NotBefore = TimeProvider.System.GetUtcNow().AddMinutes(2).UtcDateTime), "exp or nbf"),
            (Token(null, ("oid", Guid.Empty.ToString())), "oid"),
            (Token(null, ("oid", null)), "oid"),
            (Token(null, ("tid", Guid.Empty.ToString())), "tid"),
            (Token(token => token.SigningCredentials = new SigningCredentials(new RsaSecurityKey(RSA.Create(2048)) { KeyId = "k" }, SecurityAlgorithms.RsaSha256)), "signature"),
            (Token(token => token.SigningCredentials = new SigningCredentials(new RsaSecurityKey(RSA.Create(2048)) { KeyId = "other" }, SecurityAlgorithms.RsaSha256)), "kid"),
            (Token(token => token.SigningCredentials = new SigningCredentials(new SymmetricSecurityKey(new byte[32]), SecurityAlgorithms.HmacSha256)), "alg"),
        };
        foreach (var (token, _) in refused) Assert.Equal(HttpStatusCode.Unauthorized, await ConnectAsync(host, token));

        var reasons = host.Lines.All.Where(line => line.Id == 302).ToList();
        Assert.Equal(refused.Count, reasons.Count);
        Assert.All(refused.Zip(reasons), pair => Assert.EndsWith($"Why={pair.First.Why}", pair.Second.Text.Split(" {OriginalFormat}", 2)[0]));
        Assert.DoesNotContain(host.Lines.All, line => refused.Any(given => given.Token is { Length: > 20 } && line.Text.Contains(given.Token, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task With_the_token_of_a_managed_identity_each_odd_user_writes_its_own_log_only()
    {
        await using var entra = await LocalIssuer.StartAsync();
        await using var host = await StartAsync(entra);
        var token = entra.Token(
            entra.NewRsaKey("k"), SecurityAlgorithms.RsaSha256, TimeProvider.System.GetUtcNow(), made => made.Audience = "https://webpubsub.azure.com", ("tid", Tenant), ("oid", Service));
        foreach (var (place, user) in OddUsers.Distinct.Index())
        {
            var push = $$$"""{"events":[{"id":"e-{{{place}}}","user_id":"","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}]}""";
            using var answer = await new SignedEvent(OperationHost.Log(user), $"c{place}", push) { Key = null, Token = token }.SendAsync(host.Http);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        foreach (var (place, user) in OddUsers.Distinct.Index())
        {
            using var page = await host.SendAsync(HttpMethod.Get, "/v1/sync/events", OperationHost.Token(user));
            Assert.Equal($"e-{place}", Assert.Single((await TestUser.JsonOf(page)).GetProperty("events").EnumerateArray()).GetProperty("id").GetString());
        }
    }

    [Fact]
    public async Task An_event_of_an_app_that_is_not_served_is_401()
    {
        await using var host = await OperationHost.StartAsync();
        var other = new LogKey(AppId.Parse("another.app"), UserId.Parse("ada"));
        foreach (var type in new[] { "azure.webpubsub.sys.connect", "azure.webpubsub.user.message" })
        {
            using var answer = await new SignedEvent(other, "c1", """{"events":[]}""") { Type = type }.SendAsync(host.Http);
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        }
    }

    [Fact]
    public async Task Without_Entras_keys_an_event_is_503_so_that_it_comes_again()
    {
        await using var entra = await LocalIssuer.StartAsync();
        await using var host = await StartAsync(entra);
        entra.IsDown = true;
        var token = entra.Token(entra.NewRsaKey("k"), SecurityAlgorithms.RsaSha256, TimeProvider.System.GetUtcNow());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await ConnectAsync(host, token));
        Assert.Equal(HttpStatusCode.Unauthorized, await ConnectAsync(host, null));
    }

    [Fact]
    public async Task A_signature_does_not_stand_in_for_the_token()
    {
        await using var entra = await LocalIssuer.StartAsync();
        await using var host = await StartAsync(entra);
        foreach (var key in new[] { "", Hosting.Backend.AccessKey }) Assert.Equal(HttpStatusCode.Unauthorized, await ConnectAsync(host, null, key));
    }

    [Fact]
    public async Task Events_signed_with_either_access_key_are_accepted()
    {
        const string Second = "the-second-access-key-of-the-service-0000000";
        await using var host = await OperationHost.StartAsync(("WebPubSub:SecondaryKey", Second));
        Assert.Equal(HttpStatusCode.OK, await ConnectAsync(host, null, Hosting.Backend.AccessKey));
        Assert.Equal(HttpStatusCode.OK, await ConnectAsync(host, null, Second));
        Assert.Equal(HttpStatusCode.Unauthorized, await ConnectAsync(host, null, "another-access-key"));
        Assert.Equal(HttpStatusCode.Unauthorized, await ConnectAsync(host, null, ""));
    }

    private static Task<OperationHost> StartAsync(LocalIssuer entra)
        => OperationHost.StartAsync(
            ("WebPubSubConnectionString", null), ("WebPubSub:Endpoint", "https://localhost:1"), ("WebPubSub:EventAuthority", entra.Address.AbsoluteUri),
            ("WebPubSub:EventAudience", "https://webpubsub.azure.com"), ("WebPubSub:EventObjectId", Service), ("WebPubSub:TenantId", Tenant));

    private static async Task<HttpStatusCode> ConnectAsync(OperationHost host, string? token, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/webpubsub/events") { Content = new StringContent("{}", Encoding.UTF8, "application/json") };
        foreach (var (name, value) in new[] { ("ce-type", "azure.webpubsub.sys.connect"), ("ce-id", "1"), ("ce-hub", "sync"), ("ce-connectionId", "c1"), ("ce-userId", "dequeue:ada"), ("ce-awpsversion", "1.0") })
            request.Headers.TryAddWithoutValidation(name, value);
        if (key is not null)
            request.Headers.TryAddWithoutValidation("ce-signature", "sha256=" + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), "c1"u8)));
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await host.Http.SendAsync(request, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }
}
