using System.Net;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Azure.Messaging.WebPubSub;
using Dequeue.Cli.Serving;
using Dequeue.Contracts;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.Streaming;
using Dequeue.Sync.Log;

namespace Dequeue.EndToEnd.Tests.SelfHosting;

/// <summary>A server that others than this machine reach.</summary>
public sealed class PublicServerTests : IDisposable
{
    private static readonly IReadOnlyDictionary<string, string?> NoSettings = new Dictionary<string, string?>();

    private readonly string _folder = Directory.CreateTempSubdirectory("dequeue-public-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task One_port_with_a_certificate_serves_calls_streams_live_sockets_and_the_sockets_of_Web_PubSub()
    {
        var certificate = new SelfSigned(_folder);
        var data = Path.Combine(_folder, "data");
        var (server, address) = await ChildProcess.ServeAsync(data, "--listen", "127.0.0.1", "--certificate", certificate.File, "--certificate-key", certificate.KeyFile);
        await using (server)
        {
            Assert.Equal("https", address.Scheme);
            var token = (await ChildProcess.RunAsync("token", "--user", "u", "--data", data)).Output.Trim();
            string[] known = ["--server", address.OriginalString, "--token", token];
            await using var watch = ChildProcess.Start(certificate.Trusted, ["watch", .. known]);
            var push = await ChildProcess.RunAsync(certificate.Trusted, ["push", "--generate", "1500", .. known]);
            Assert.True(push.Code == 0, push.Errors);
            Assert.Equal(1_500, (await watch.ReadLinesAsync(1_500)).Count);

            var digests = new List<string?>();
            foreach (var (way, transport) in new[] { ("--json", "stream"), ("--gateway", "stream"), ("--rest", "rest") })
            {
                var (code, output, errors) = await ChildProcess.RunAsync(certificate.Trusted, ["sync", "--json", .. known, .. way == "--json" ? (string[])[] : [way]]);
                Assert.True(code == 0, errors);
                var result = JsonDocument.Parse(output).RootElement;
                Assert.Equal(transport, result.GetProperty("transport").GetString());
                digests.Add(result.GetProperty("digest").GetString());
            }

            Assert.Single(digests.Distinct());

            // As a browser does over HTTP/2.
            using var http = new HttpMessageInvoker(certificate.Handler());
            var url = await NegotiateAsync(http, address, token);
            Assert.StartsWith($"wss://127.0.0.1:{address.Port}/client/hubs/sync?access_token=", url.AbsoluteUri, StringComparison.Ordinal);
            foreach (var version in new[] { HttpVersion.Version11, HttpVersion.Version20 })
            {
                using var socket = new ClientWebSocket { Options = { HttpVersion = version, HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact } };
                await socket.ConnectAsync(await NegotiateAsync(http, address, token), http, TestContext.Current.CancellationToken);
                await socket.SendAsync("""{"type":"sync.stream.request"}"""u8.ToArray(), WebSocketMessageType.Binary, true, TestContext.Current.CancellationToken);
                var frame = new byte[4_096];
                var got = await socket.ReceiveAsync(frame, TestContext.Current.CancellationToken);
                Assert.Contains("1500", Encoding.UTF8.GetString(frame, 0, got.Count), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task What_is_for_this_machine_alone_is_not_to_be_found_from_outside()
    {
        await using var backend = await Backend.StartAsync(NoSettings, side: new PublicSide { Url = new Uri("http://127.0.0.1:1/base") });
        var service = new WebPubSubServiceClient($"Endpoint={backend.Address.GetLeftPart(UriPartial.Authority)};AccessKey={backend.WebPubSubKey};Version=1.0;", "sync");
        var refused = await Assert.ThrowsAsync<Azure.RequestFailedException>(() => service.SendToGroupAsync("g", "x", Azure.Core.ContentType.TextPlain));
        Assert.Equal(404, refused.Status);

        var log = new LogKey(AppId.Parse("dequeue"), UserId.Parse("ada"));
        var signed = new SignedEvent(log, "connection", "{}") { Key = backend.WebPubSubKey, Type = "azure.webpubsub.sys.disconnected" };
        using var local = new HttpClient { BaseAddress = backend.LocalAddress };
        using (var inside = await signed.SendAsync(local)) Assert.True(inside.IsSuccessStatusCode, inside.StatusCode.ToString());
        using (var outside = await signed.SendAsync(backend.Http)) Assert.Equal(HttpStatusCode.NotFound, outside.StatusCode);
        foreach (var path in new[]
        {
            "/webpubsub/events", "/webpubsub/events/", "/WebPubSub/Events", "/%77ebpubsub/events", "/base/webpubsub/events", "/base/base/webpubsub/events",
            "//webpubsub/events", "/base//webpubsub/events", "/webpubsub%2fevents/x", "/x/../webpubsub/events", "/client/../webpubsub/events", "/api/health", "/client/hubs", "/client/?hub=sync",
        })
        {
            using var request = new HttpRequestMessage(HttpMethod.Options, new Uri(backend.Address.GetLeftPart(UriPartial.Authority) + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
            request.Headers.Add("WebHook-Request-Origin", "localhost");
            using var answer = await backend.Http.SendAsync(request, TestContext.Current.CancellationToken);

            // One segment might be the page's, which takes GET alone.
            Assert.True(answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed, $"{path}: {answer.StatusCode}");
            Assert.False(answer.Headers.Contains("WebHook-Allowed-Origin"));
        }

        using var page = await backend.Http.GetAsync("/", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Contains("connect-src 'self';", page.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_socket_of_Web_PubSub_at_the_public_address_needs_its_own_token()
    {
        await using var backend = await Backend.StartAsync(NoSettings, side: new PublicSide());
        var url = new UriBuilder(new Uri(backend.Address, "/client/hubs/sync")) { Scheme = "ws" }.Uri;
        foreach (var wrong in new[] { "", "?access_token=x", "?access_token=" + backend.NewUser().Token })
        {
            var refused = await Assert.ThrowsAsync<WebSocketException>(() => RawStream.OpenAsync(new Uri(url.AbsoluteUri + wrong)));
            Assert.Contains("401", refused.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("/base")]
    [InlineData("")]
    public async Task Below_a_path_of_a_proxy_calls_and_sockets_work_whether_the_proxy_takes_it_away_or_not(string left)
    {
        await using var backend = await Backend.StartAsync(NoSettings, side: new PublicSide { Url = new Uri("https://localhost/base/") });
        var user = backend.NewUser();
        using var answer = await user.PostAsync(left + "/v1/sync/stream/negotiate", "");
        var url = new Uri((await TestUser.JsonOf(answer)).GetProperty("url").GetString()!);
        Assert.StartsWith("wss://localhost/base/client/hubs/sync?access_token=", url.AbsoluteUri, StringComparison.Ordinal);

        var through = new UriBuilder(url) { Scheme = "ws", Host = "127.0.0.1", Port = backend.Address.Port, Path = left + "/client/hubs/sync" }.Uri;
        foreach (var (address, bearer) in new (Uri, string?)[] { (through, null), (new UriBuilder(new Uri(backend.Address, left + "/v1/sync/stream")) { Scheme = "ws" }.Uri, user.Token) })
        {
            await using var stream = await RawStream.OpenAsync(address, bearer);
            await stream.SendAsync("""{"type":"sync.stream.request"}""");
            Assert.Equal(0, (await stream.ReceiveUntilAsync("sync.stream.complete"))[0].GetProperty("totalEvents").GetInt32());
        }
    }

    [Theory]
    [InlineData("127.0.0.0/8", "wss://sync.example/base/client/hubs/sync")]
    [InlineData("192.0.2.0/24", null)]
    public async Task Forwarded_headers_are_believed_of_named_proxies_and_the_servers_own_header_of_nobody(string proxy, string? expected)
    {
        await using var backend = await Backend.StartAsync(NoSettings, side: new PublicSide { Proxies = [IPNetwork.Parse(proxy)], TakesDevelopmentTokens = true });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/sync/stream/negotiate");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", backend.NewUser().Token);
        foreach (var (name, value) in new[]
        {
            ("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "sync.example"), ("X-Forwarded-Prefix", "/base"), ("x-dequeue-public-url", "https://evil.example"),
        })
            request.Headers.Add(name, value);
        using var answer = await backend.Http.SendAsync(request, TestContext.Current.CancellationToken);
        var url = (await TestUser.JsonOf(answer)).GetProperty("url").GetString()!;

        Assert.StartsWith((expected ?? $"ws://127.0.0.1:{backend.Address.Port}/client/hubs/sync") + "?", url, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--listen", "0.0.0.0")]
    [InlineData("--listen", "[::]:0")]
    [InlineData("--public-url", "https://sync.example")]
    [InlineData("--proxy", "127.0.0.1")]
    public async Task Where_others_come_in_the_development_key_opens_nothing_unless_asked_for(params string[] arguments)
    {
        string[] serve = ["serve", "--port", "0", "--pubsub-port", "0", "--data", Path.Combine(_folder, "data"), .. arguments];
        var (code, output, errors) = await ChildProcess.RunAsync(serve);

        Assert.Equal((1, ""), (code, output));
        Assert.Equal(
            "Others can reach this server, and whoever has the key of development tokens is any user: set Auth__Authority and Auth__Audience, or say --development-tokens.",
            errors.Trim());
        Assert.False(Directory.Exists(Path.Combine(_folder, "data")));
    }

    [Fact]
    public async Task With_an_issuer_others_may_come_in_and_development_tokens_are_refused()
    {
        var data = Path.Combine(_folder, "data");
        var token = (await ChildProcess.RunAsync("token", "--user", "u", "--data", data)).Output.Trim();
        var issuer = new Dictionary<string, string> { ["Auth__Authority"] = "http://127.0.0.1:1/", ["Auth__Audience"] = "sync" };
        var (server, address) = await ChildProcess.ServeAsync(issuer, data, "--listen", "0.0.0.0");
        await using (server)
        {
            using var http = new HttpClient { BaseAddress = new UriBuilder(address) { Host = "127.0.0.1" }.Uri };
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
            using var answer = await http.GetAsync("/v1/sync/meta", TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
            await server.WaitForErrorLineAsync("Tokens and events travel unencrypted");
        }
    }

    [Fact]
    public async Task With_development_tokens_asked_for_a_phone_of_the_network_gets_a_socket_of_the_host_that_it_called()
    {
        var data = Path.Combine(_folder, "data");
        var (server, address) = await ChildProcess.ServeAsync(data, "--listen", "0.0.0.0", "--development-tokens");
        await using (server)
        {
            var token = (await ChildProcess.RunAsync("token", "--user", "u", "--data", data)).Output.Trim();
            using var http = new HttpMessageInvoker(new SocketsHttpHandler());

            // Any address of this machine but the one that it would listen at by itself.
            var url = await NegotiateAsync(http, new UriBuilder(address) { Host = "127.0.0.2" }.Uri, token);
            Assert.StartsWith($"ws://127.0.0.2:{address.Port}/client/hubs/sync?", url.AbsoluteUri, StringComparison.Ordinal);
            await (await RawStream.OpenAsync(url)).DisposeAsync();
        }
    }

    [Theory]
    [InlineData("--listen", "nonsense")]
    [InlineData("--listen", "1")]
    [InlineData("--public-url", "sync.example")]
    [InlineData("--public-url", "https://sync.example/?x")]
    [InlineData("--proxy", "10.0.0.0/99")]
    [InlineData("--listen", "0.0.0.0:80", "--port", "80")]
    [InlineData("--certificate-key", "key.pem")]
    [InlineData("--development-tokens")]
    public async Task Options_that_make_no_sense_are_bad_usage(params string[] arguments)
    {
        var (code, _, errors) = await ChildProcess.RunAsync(["serve", "--data", _folder, .. arguments]);

        Assert.Equal(2, code);
        Assert.StartsWith(arguments[0], Assert.Single(errors.Trim().Split('\n')), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_of_another_machine_is_refused_in_one_sentence()
    {
        var (code, _, errors) = await ChildProcess.RunAsync(
            "serve", "--listen", "192.0.2.1:7071", "--pubsub-port", "0", "--development-tokens", "--data", Path.Combine(_folder, "data"));

        Assert.Equal((1, "192.0.2.1:7071 cannot be listened at: Cannot assign requested address."), (code, errors.Trim()));
    }

    private static async Task<Uri> NegotiateAsync(HttpMessageInvoker http, Uri server, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server, "/v1/sync/stream/negotiate"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        return new Uri((await TestUser.JsonOf(answer)).GetProperty("url").GetString()!);
    }
}
