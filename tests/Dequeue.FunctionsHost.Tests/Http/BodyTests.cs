using System.Net;
using Dequeue.FunctionsHost.Tests.Hosting;

namespace Dequeue.FunctionsHost.Tests.Http;

public sealed class BodyTests(SharedHost shared)
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    private RunningHost Host => shared.Host;

    [Fact]
    public async Task A_slow_upload_is_seen_by_the_function_before_it_ends()
    {
        var seen = new TaskCompletionSource();
        using var body = new PartedContent(100_000, seen.Task);
        var call = Host.Http.PostAsync("/upload/parted", body, Test);

        Assert.Equal("200 parted.first", await Host.GetAsync("/signals/parted.first"));
        Assert.False(call.IsCompleted);
        seen.SetResult();
        using var response = await call;
        Assert.Equal("200000", await response.Content.ReadAsStringAsync(Test));
    }

    [Fact]
    public async Task A_slow_download_reaches_the_client_before_it_ends()
    {
        using var response = await Host.Http.GetAsync("/download/parted", HttpCompletionOption.ResponseHeadersRead, Test);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(Test));

        Assert.Equal("first", await lines.ReadLineAsync(Test));
        await Host.PostAsync("/signals/parted.open");
        Assert.Equal("last", await lines.ReadLineAsync(Test));
        Assert.Null(await lines.ReadLineAsync(Test));
    }

    [Fact]
    public async Task A_client_that_asks_first_need_not_send_a_body_that_is_refused()
    {
        using var patient = new HttpClient(new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromMinutes(2) });
        using var refused = new PartedContent(1_000_000, Task.CompletedTask);
        using var accepted = new PartedContent(1_000_000, Task.CompletedTask);

        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, ""), await SendAsync("/brief", refused));
        Assert.False(refused.IsBegun);
        Assert.Equal((HttpStatusCode.OK, "2000000"), await SendAsync("/upload/asked", accepted));

        async Task<(HttpStatusCode Status, string Body)> SendAsync(string path, HttpContent body)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Host.Address, path)) { Content = body };
            request.Headers.ExpectContinue = true;
            using var response = await patient.SendAsync(request, Test);
            return (response.StatusCode, await response.Content.ReadAsStringAsync(Test));
        }
    }

    [Fact]
    public async Task A_refusal_reaches_a_client_that_is_still_sending()
    {
        using var raw = await RawHttp.ConnectAsync(Host.Address);
        await raw.WriteAsync("POST /brief HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n" + new string('x', 1000));

        Assert.Equal("HTTP/1.1 413 Payload Too Large", await raw.ReadLineAsync());
    }

    [Fact]
    public async Task A_body_beyond_all_limits_is_refused_before_it_is_sent()
    {
        using var raw = await RawHttp.ConnectAsync(Host.Address);
        await raw.WriteAsync("POST /upload/huge HTTP/1.1\r\nHost: x\r\nContent-Length: 200000000\r\n\r\n");

        Assert.Equal("HTTP/1.1 413 Payload Too Large", await raw.ReadLineAsync());
    }

    [Fact]
    public async Task A_body_that_comes_too_slowly_is_given_up()
    {
        using var raw = await RawHttp.ConnectAsync(Host.Address);
        await raw.WriteAsync("POST /upload/lazy HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");

        Assert.Equal("HTTP/1.1 408 Request Timeout", await raw.ReadLineAsync());
    }
}
