using System.Buffers.Text;
using System.Net;
using System.Text;
using System.Web;
using Azure.Core;
using Azure.Core.Pipeline;
using Dequeue.Sync.Storage;
using Dequeue.Tests.Shared;

namespace Dequeue.Storage.Tests.AzureBlobs;

/// <summary>As a managed identity, at an account without keys: Azurite takes any token of Entra's form.</summary>
public sealed class DelegationKeyTests(Azurite azurite)
{
    private static readonly ReadOnlyMemory<byte>[] Content = ["[1]"u8.ToArray()];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_URL_signed_by_delegation_reads_its_page_and_writes_nothing()
    {
        using var calls = new Calls();
        var url = await (await OpenAsync(calls, "delegated", TimeProvider.System)).OfferAsync("a/1", Content, Stop);
        using var http = new HttpClient(calls, disposeHandler: false);

        using var read = await http.GetAsync(url, Stop);
        using var delete = await http.DeleteAsync(url, Stop);
        using var other = await http.GetAsync(url.AbsoluteUri.Replace("/a/1", "/a/2", StringComparison.Ordinal), Stop);

        Assert.Equal(HttpStatusCode.OK, read.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, delete.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, other.StatusCode);
        var query = HttpUtility.ParseQueryString(url.Query);
        Assert.Equal(("r", "https", "b"), (query["sp"], query["spr"], query["sr"]));
        Assert.NotNull(query["skoid"]);
    }

    [Fact]
    public async Task One_key_signs_many_URLs_and_is_fetched_anew_before_one_would_outlive_it()
    {
        using var calls = new Calls();
        var clock = BlobFixture.Clock();
        var shelf = await OpenAsync(calls, "renewed", clock);

        for (var i = 0; i < 5; i++) await shelf.OfferAsync($"a/{i}", Content, Stop);
        Assert.Equal(1, calls.Keys);

        clock.Advance(TimeSpan.FromHours(24) - BlobFixture.UrlLife - TimeSpan.FromMinutes(1));
        await shelf.OfferAsync("a/1", Content, Stop);
        Assert.Equal(1, calls.Keys);

        clock.Advance(TimeSpan.FromMinutes(2));
        await shelf.OfferAsync("a/1", Content, Stop);
        Assert.Equal(2, calls.Keys);
    }

    private async Task<IPageShelf> OpenAsync(Calls calls, string container, TimeProvider clock)
    {
        try
        {
            var endpoint = await azurite.SecureBlobEndpointAsync();
            return PageShelfStorage.Open(endpoint.AbsoluteUri, BlobFixture.UrlLife, clock, new EntraToken(), container, new HttpClientTransport(calls));
        }
        catch (NodeUnavailableException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
    }

    /// <summary>Counts the keys that are asked for, and takes Azurite's own certificate.</summary>
    private sealed class Calls : DelegatingHandler
    {
        private int _keys;

        public Calls()
            : base(new HttpClientHandler { ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator })
        {
        }

        public int Keys => _keys;

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.RequestUri!.Query.Contains("comp=userdelegationkey", StringComparison.Ordinal)) Interlocked.Increment(ref _keys);
            return base.SendAsync(request, cancellationToken);
        }
    }

    private sealed class EntraToken : TokenCredential
    {
        private const string Tenant = "ab1f708d-50f6-404c-a006-d71b2ac7a606";

        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken)
        {
            var now = TimeProvider.System.GetUtcNow();
            var claims = $$"""
                {"aud":"https://storage.azure.com","iss":"https://sts.windows.net/{{Tenant}}/","iat":{{now.ToUnixTimeSeconds()}},"nbf":{{now.AddHours(-1).ToUnixTimeSeconds()}},
                "exp":{{now.AddHours(1).ToUnixTimeSeconds()}},"oid":"11059fcc-5514-4800-b5f8-49808b9cfab6","tid":"{{Tenant}}"}
                """;
            return new AccessToken($"{Part("""{"alg":"RS256","typ":"JWT"}""")}.{Part(claims)}.AAAA", now.AddHours(1));
        }

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken)
            => new(GetToken(requestContext, cancellationToken));

        private static string Part(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
    }
}
