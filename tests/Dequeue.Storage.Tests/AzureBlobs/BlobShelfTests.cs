using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Dequeue.Sync.Storage;

namespace Dequeue.Storage.Tests.AzureBlobs;

public sealed class BlobShelfTests(BlobFixture fixture) : IClassFixture<BlobFixture>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_page_is_read_by_its_URL_alone_as_gzipped_JSON()
    {
        var url = await fixture.Open(fixture.NewContainer()).OfferAsync("a/1", Gzipped("[1,2]"), Stop);

        using var answer = await fixture.Http.GetAsync(url, Stop);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal(["gzip"], answer.Content.Headers.ContentEncoding);
        Assert.True(answer.Headers.CacheControl?.NoStore);
        await using var opened = new GZipStream(await answer.Content.ReadAsStreamAsync(Stop), CompressionMode.Decompress);
        using var text = new StreamReader(opened);
        Assert.Equal("[1,2]", await text.ReadToEndAsync(Stop));
    }

    [Fact]
    public async Task A_page_that_is_there_is_not_put_again()
    {
        var container = fixture.NewContainer();
        var shelf = fixture.Open(container);
        await shelf.OfferAsync("a/1", Gzipped("[1]"), Stop);
        var before = await ETagAsync(container, "a/1");

        await shelf.OfferAsync("a/1", Gzipped("[1]"), Stop);

        Assert.Equal(before, await ETagAsync(container, "a/1"));
    }

    [Fact]
    public async Task A_page_that_is_deleted_soon_is_put_again()
    {
        var container = fixture.NewContainer();
        await fixture.Open(container).OfferAsync("a/1", Gzipped("[1]"), Stop);
        var before = await ETagAsync(container, "a/1");

        var url = await fixture.Open(container, BlobFixture.Clock(TimeSpan.FromHours(49))).OfferAsync("a/1", Gzipped("[1]"), Stop);

        Assert.NotEqual(before, await ETagAsync(container, "a/1"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(HttpMethod.Get, url));
    }

    [Fact]
    public async Task Streams_that_offer_the_same_page_at_the_same_time_all_get_URLs_that_work()
    {
        var shelf = fixture.Open(fixture.NewContainer());

        var urls = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => shelf.OfferAsync("a/1", Gzipped("[1]"), Stop)));

        foreach (var url in urls) Assert.Equal(HttpStatusCode.OK, await StatusAsync(HttpMethod.Get, url));
    }

    [Fact]
    public async Task A_URL_reads_its_own_page_and_nothing_else_and_changes_nothing()
    {
        var container = fixture.NewContainer();
        var shelf = fixture.Open(container);
        var url = await shelf.OfferAsync("a/1", Gzipped("[1]"), Stop);
        await shelf.OfferAsync("a/2", Gzipped("[2]"), Stop);
        var before = await ETagAsync(container, "a/1");

        Uri[] others = [Other(url, "/a/1", "/a/2"), Other(url, "/a/1", ""), Other(url, "/a/1?", "?restype=container&comp=list&"), new(url.GetLeftPart(UriPartial.Path))];
        foreach (var other in others) Assert.NotEqual(HttpStatusCode.OK, await StatusAsync(HttpMethod.Get, other));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(HttpMethod.Get, others[0]));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(HttpMethod.Put, url));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(HttpMethod.Delete, url));

        Assert.Equal(before, await ETagAsync(container, "a/1"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(HttpMethod.Get, url));
    }

    [Fact]
    public async Task A_URL_works_as_long_as_it_should_and_no_longer()
    {
        var container = fixture.NewContainer();
        var old = await fixture.Open(container, BlobFixture.Clock(-BlobFixture.UrlLife - TimeSpan.FromSeconds(1))).OfferAsync("a/1", Gzipped("[1]"), Stop);
        var young = await fixture.Open(container, BlobFixture.Clock(-BlobFixture.UrlLife + TimeSpan.FromMinutes(1))).OfferAsync("a/1", Gzipped("[1]"), Stop);

        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(HttpMethod.Get, old));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(HttpMethod.Get, young));
    }

    [Fact]
    public async Task A_log_is_erased_and_no_other()
    {
        var shelf = fixture.Open(fixture.NewContainer());
        Uri[] erased = [await shelf.OfferAsync("a/1", Gzipped("[1]"), Stop), await shelf.OfferAsync("a/2", Gzipped("[2]"), Stop)];
        var kept = await shelf.OfferAsync("ab/1", Gzipped("[3]"), Stop);

        Assert.Equal(2, await shelf.EraseAsync("a/", Stop));
        Assert.Equal(0, await shelf.EraseAsync("a/", Stop));

        foreach (var url in erased) Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(HttpMethod.Get, url));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(HttpMethod.Get, kept));
    }

    [Fact]
    public async Task Where_nothing_was_ever_offered_there_is_nothing_to_erase()
        => Assert.Equal(0, await fixture.Open(fixture.NewContainer()).EraseAsync("a/", Stop));

    [Fact]
    public async Task A_server_that_is_not_there_is_unavailable_and_the_message_holds_no_key()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        var shelf = PageShelfStorage.Open(
            $"DefaultEndpointsProtocol=http;AccountName=a;AccountKey=c2VjcmV0;BlobEndpoint=http://127.0.0.1:{port}/a;", BlobFixture.UrlLife, TimeProvider.System)!;

        var e = await Assert.ThrowsAsync<StorageUnavailableException>(() => shelf.OfferAsync("a/1", Gzipped("[1]"), Stop));
        await Assert.ThrowsAsync<StorageUnavailableException>(() => shelf.EraseAsync("a/", Stop));

        Assert.DoesNotContain("c2VjcmV0", e.ToString(), StringComparison.Ordinal);
        Assert.Contains("cannot be reached", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_key_is_unavailable_and_says_so()
    {
        fixture.NewContainer();
        var shelf = PageShelfStorage.Open(fixture.Setting.Replace("Eby8", "AAAA", StringComparison.Ordinal), BlobFixture.UrlLife, TimeProvider.System)!;
        var e = await Assert.ThrowsAsync<StorageUnavailableException>(() => shelf.OfferAsync("a/1", Gzipped("[1]"), Stop));
        Assert.Contains("refuses the credentials", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_loopback_address_alone_means_Azurite()
    {
        var container = fixture.NewContainer();
        var address = fixture.Setting.Split("BlobEndpoint=")[1].TrimEnd(';');
        var shelf = PageShelfStorage.Open(address, BlobFixture.UrlLife, TimeProvider.System, container: container)!;
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(HttpMethod.Get, await shelf.OfferAsync("a/1", Gzipped("[1]"), Stop)));
    }

    private static Uri Other(Uri url, string part, string by) => new(url.AbsoluteUri.Replace(part, by, StringComparison.Ordinal));

    private static ReadOnlyMemory<byte>[] Gzipped(string json)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(Encoding.UTF8.GetBytes(json));
        var bytes = packed.ToArray();
        return [bytes.AsMemory(0, 5), bytes.AsMemory(5)];
    }

    private async Task<string> ETagAsync(string container, string name)
        => (await fixture.Owned(container).GetBlobClient(name).GetPropertiesAsync(cancellationToken: Stop)).Value.ETag.ToString();

    private async Task<HttpStatusCode> StatusAsync(HttpMethod method, Uri url)
    {
        using var request = new HttpRequestMessage(method, url);
        if (method == HttpMethod.Put)
        {
            request.Content = new ByteArrayContent([1]) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
            request.Headers.Add("x-ms-blob-type", "BlockBlob");
        }

        using var answer = await fixture.Http.SendAsync(request, Stop);
        return answer.StatusCode;
    }
}
