using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.EndToEnd.Tests.SelfHosting;

/// <summary>The examples of docs/self-hosting.md do what they promise, for a phone in a network of its own.</summary>
public sealed class ReverseProxyTests(ITestOutputHelper output) : IDisposable
{
    private const int Events = 3_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("dequeue-proxy-").FullName;

    private string Data => Path.Combine(_folder, "data");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("nginx")]
    [InlineData("caddy")]
    public async Task Through_the_example_a_phone_streams_hears_live_events_pushes_and_pulls_over_TLS(string kind)
    {
        await using var phone = await Phone.PlugInAsync();
        var certificate = new SelfSigned(_folder, phone.Machine.ToString());
        var outside = new IPEndPoint(phone.Machine, ReverseProxy.FreePort());
        var (server, address) = await ServeAsync(new Uri($"https://{outside}"));
        await using (server)
        {
            await using var proxy = kind == "nginx"
                ? await ReverseProxy.NginxAsync(outside, address, certificate, Path.Combine(_folder, kind))
                : await ReverseProxy.CaddyAsync(outside, address, certificate, Path.Combine(_folder, kind));
            var token = await TokenAsync();
            string[] known = ["--server", $"https://{outside}", "--token", token];

            await using var watch = ChildProcess.Start(certificate.Trusted, phone.Prefix, ["watch", .. known]);
            var push = await ChildProcess.RunAsync(certificate.Trusted, phone.Prefix, ["push", "--generate", $"{Events}", .. known]);
            Assert.True(push.Code == 0, push.Errors);
            Assert.Equal(Events, (await watch.ReadLinesAsync(Events)).Count);

            var negotiated = await SyncAsync(certificate, phone, known);
            var gateway = await SyncAsync(certificate, phone, [.. known, "--gateway"]);
            var pages = await SyncAsync(certificate, phone, [.. known, "--rest"]);
            Assert.Equal(["stream", "stream", "rest"], new[] { negotiated, gateway, pages }.Select(result => result.GetProperty("transport").GetString()));
            Assert.All([negotiated, gateway, pages], result => Assert.Equal((Events, negotiated.GetProperty("digest").GetString()), (result.GetProperty("events").GetInt32(), result.GetProperty("digest").GetString())));

            // Nearly 4 MB in one body, as a device sends that was offline for long.
            using var http = new HttpClient(certificate.Handler()) { BaseAddress = new Uri($"https://{outside}") };
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
            var large = Enumerable.Range(0, 70).Select(i => $$"""{"id":"large-{{i}}","user_id":"","ts":"2026-01-01T00:00:00Z","type":"t","payload":{"x":"{{new string('x', 55_000)}}"},"payload_version":2}""");
            using var body = new StringContent($$"""{"events":[{{string.Join(',', large)}}]}""", Encoding.UTF8, "application/json");
            using var pushed = await http.PostAsync("/v1/sync/push", body, TestContext.Current.CancellationToken);
            Assert.Equal(70, (await TestUser.JsonOf(pushed)).GetProperty("acknowledged").GetArrayLength());
            using var events = await http.PostAsync("/webpubsub/events", null, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.NotFound, events.StatusCode);

            await proxy.StopAsync();
            foreach (var secret in new[] { token, "access_token=ey", "token=ey" }) Assert.DoesNotContain(secret, proxy.Written, StringComparison.Ordinal);
            output.WriteLine($"{kind}, phone {(phone.IsElsewhere ? "in a network of its own" : "on this machine")}: https://{outside}\n{negotiated}\n{gateway}\n{pages}");
        }
    }

    [Fact]
    public async Task Through_a_proxy_that_lets_no_socket_pass_a_phone_gets_everything_by_pages()
    {
        await using var phone = await Phone.PlugInAsync();
        var certificate = new SelfSigned(_folder, phone.Machine.ToString());
        var outside = new IPEndPoint(phone.Machine, ReverseProxy.FreePort());
        var (server, address) = await ServeAsync(new Uri($"https://{outside}"));
        await using (server)
        {
            await using var proxy = await ReverseProxy.NginxAsync(
                outside, address, certificate, Path.Combine(_folder, "nginx"), site => ReverseProxy.Edit(site, ("proxy_set_header Upgrade $http_upgrade;", "proxy_set_header Upgrade \"\";")));
            var token = await TokenAsync();
            string[] known = ["--server", $"https://{outside}", "--token", token];
            var push = await ChildProcess.RunAsync(certificate.Trusted, phone.Prefix, ["push", "--generate", $"{Events}", .. known]);
            Assert.True(push.Code == 0, push.Errors);

            var negotiated = await SyncAsync(certificate, phone, known);
            var gateway = await SyncAsync(certificate, phone, [.. known, "--gateway"]);
            Assert.All([negotiated, gateway], result => Assert.Equal(("rest", Events), (result.GetProperty("transport").GetString(), result.GetProperty("events").GetInt32())));
            output.WriteLine($"{negotiated}\n{gateway}");
        }
    }

    [Fact]
    public async Task Below_a_path_of_nginx_the_page_its_files_and_a_stream_are_there()
    {
        var certificate = new SelfSigned(_folder);
        var outside = new IPEndPoint(IPAddress.Loopback, ReverseProxy.FreePort());
        var (server, address) = await ServeAsync(new Uri($"https://{outside}/sync"));
        await using (server)
        {
            await using var proxy = await ReverseProxy.NginxAsync(
                outside, address, certificate, Path.Combine(_folder, "nginx"),
                site => ReverseProxy.Edit(site, ("location / {", "location /sync/ {"), ("proxy_pass http://dequeue;", "proxy_pass http://dequeue/;")));
            string[] known = ["--server", $"https://{outside}/sync", "--token", await TokenAsync()];
            var push = await ChildProcess.RunAsync(certificate.Trusted, ["push", "--generate", "1000", .. known]);
            Assert.True(push.Code == 0, push.Errors);
            var result = await SyncAsync(certificate, null, known);
            Assert.Equal(("stream", 1_000), (result.GetProperty("transport").GetString(), result.GetProperty("events").GetInt32()));

            using var http = new HttpClient(certificate.Handler());
            foreach (var (path, status) in new[] { ("/sync/", HttpStatusCode.OK), ("/sync/page/app.js", HttpStatusCode.OK), ("/", HttpStatusCode.NotFound) })
            {
                using var answer = await http.GetAsync(new Uri($"https://{outside}{path}"), TestContext.Current.CancellationToken);
                Assert.Equal((path, status), (path, answer.StatusCode));
            }
        }
    }

    [Fact]
    public async Task The_unit_of_systemd_is_understood()
    {
        var analyze = await DebianProgram.FindAsync("systemd-analyze", "systemd");
        var unit = ReverseProxy.Edit(ReverseProxy.DocumentBlock("ini"), ("ExecStart=/opt/dequeue/dequeue ", $"ExecStart={Path.Combine(AppContext.BaseDirectory, "dequeue")} "));
        var file = Path.Combine(_folder, "dequeue.service");
        await File.WriteAllTextAsync(file, unit, TestContext.Current.CancellationToken);

        Assert.Equal((0, ""), await DebianProgram.RunAsync(analyze, "verify", file));
    }

    // The one that the documentation's unit starts, with development tokens in the place of an issuer.
    private Task<(ChildProcess Server, Uri Address)> ServeAsync(Uri url) => ChildProcess.ServeAsync(Data, "--public-url", url.OriginalString, "--development-tokens");

    private async Task<string> TokenAsync() => (await ChildProcess.RunAsync("token", "--user", "u", "--data", Data)).Output.Trim();

    private static async Task<JsonElement> SyncAsync(SelfSigned certificate, Phone? phone, string[] arguments)
    {
        var (code, text, errors) = await ChildProcess.RunAsync(certificate.Trusted, phone?.Prefix ?? [], ["sync", "--json", .. arguments]);
        Assert.True(code == 0, errors);
        return JsonDocument.Parse(text).RootElement;
    }
}
