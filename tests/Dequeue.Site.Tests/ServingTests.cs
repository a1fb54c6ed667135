using System.Net;
using System.Text.RegularExpressions;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.Site.Tests;

public sealed class ServingTests(Backend backend, Browser browser)
{
    [Fact]
    public async Task The_page_and_its_files_are_served_with_a_strict_policy()
    {
        foreach (var (path, type) in new[] { ("/", "text/html"), ("/page/app.js", "text/javascript"), ("/page/client/index.js", "text/javascript"), ("/page/page.css", "text/css"), ("/page/icon.svg", "image/svg+xml") })
        {
            using var answer = await backend.Http.GetAsync(path, TestContext.Current.CancellationToken);
            var policy = answer.Headers.GetValues("Content-Security-Policy").Single();

            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(type, answer.Content.Headers.ContentType!.MediaType);
            Assert.Matches(
                @"^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws://(localhost|127\.0\.0\.1):\d+; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'$",
                policy);
            Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.Equal("no-referrer", answer.Headers.GetValues("Referrer-Policy").Single());

            using var again = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { IfNoneMatch = { answer.Headers.ETag! } } };
            using var unchanged = await backend.Http.SendAsync(again, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
        }
    }

    [Theory]
    [InlineData("/page/nothing.js")]
    [InlineData("/page/..%2fhost.json")]
    [InlineData("/page/APP.JS")]
    [InlineData("/page/client/indexeddb-store.js")]
    [InlineData("/page/digest.js")]
    [InlineData("/nothing")]
    public async Task There_is_nothing_else(string path)
    {
        using var answer = await backend.Http.GetAsync(path, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task It_works_under_a_base_path_behind_a_proxy()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(12);
        await using var proxy = await BaseProxy.StartAsync(backend.Address, "/base");
        await using var visitor = await browser.VisitAsync(proxy.Address, "#token=" + user.Token);
        await visitor.SeesLiveAsync();
        await visitor.SeesAsync("#fresh", new Regex("Complete: 12 events in .* by stream"));
        await visitor.PressAsync("Push an event from another device");
        await visitor.SeesAsync("#live-push-state", "It arrived");
        Assert.All(visitor.Urls.Where(url => url.StartsWith("http", StringComparison.Ordinal)), url => Assert.StartsWith(proxy.Address.AbsoluteUri, url, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_browser_holds_the_page_to_its_policy()
    {
        await using var visitor = await browser.VisitAsync(backend.Address);
        Assert.Empty(visitor.Problems);
        await visitor.Page.EvaluateAsync(
            """
            () => new Promise(done => {
              let broken = 0;
              setTimeout(done, 5000);
              addEventListener('securitypolicyviolation', () => { if (++broken === 2) done(); });
              document.head.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = true' }));
              fetch('http://localhost:1/').catch(() => {});
            })
            """);

        Assert.False(await visitor.Page.EvaluateAsync<bool>("'ran' in window"));
        Assert.Contains(visitor.Problems, problem => problem.StartsWith("CSP script-src", StringComparison.Ordinal));
        Assert.Contains(visitor.Problems, problem => problem.StartsWith("CSP connect-src", StringComparison.Ordinal));
        visitor.Problems.Clear();
    }
}
