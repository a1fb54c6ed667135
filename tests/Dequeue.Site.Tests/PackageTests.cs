using System.Text.Json;
using System.Text.RegularExpressions;
using Dequeue.Contracts.Events;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.Tests.Shared;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Playwright;

namespace Dequeue.Site.Tests;

/// <summary>The package dequeue-client in Chromium: installed from its tarball, bundled, and served beside the server.</summary>
public sealed class PackageTests(Backend backend, Browser browser, InstalledPackage package, ITestOutputHelper output)
    : IClassFixture<InstalledPackage>, IAsyncLifetime
{
    private const int Events = 10_000;

    private BaseProxy? _site;

    private Uri App => new(_site!.Address, "app/");

    public async ValueTask InitializeAsync()
    {
        await package.InstallAsync();
        _site = await BaseProxy.StartAsync(backend.Address, map: routes =>
        {
            routes.MapGet("/app/", static () => Page(""));
            routes.MapGet("/app/example/", static () => Page("""<script type="module" src="../browser.js"></script>"""));
            routes.MapGet("/app/{**name}", File);
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (_site is not null) await _site.DisposeAsync();
    }

    [Fact]
    public async Task The_example_of_its_README_runs_as_it_is_written_and_its_store_outlives_the_page()
    {
        var (user, _) = await HistoryAsync();
        await using var visitor = await VisitAsync(user, "example/");
        await Assertions.Expect(visitor.Page).ToHaveTitleAsync(new Regex($@"^{Events} events by stream in \d+\.\d s$"), new() { Timeout = 60_000 });
        await Assertions.Expect(visitor.Page.Locator("li")).ToHaveCountAsync(Events, new() { Timeout = 60_000 });
        Assert.Equal(1, await visitor.Page.EvaluateAsync<double>("document.querySelector('progress').position"));
        output.WriteLine(await visitor.Page.TitleAsync());

        await PushOneAsync(user, "pushed-live");
        await Assertions.Expect(visitor.Page.Locator("li")).ToHaveCountAsync(Events + 1, new() { Timeout = 60_000 });

        // The consumer's progress is in the store, so a later visit brings what is new, and no more than what its cursor may lag.
        await visitor.Page.GotoAsync("about:blank");
        await PushOneAsync(user, "pushed-meanwhile");
        await visitor.Page.GotoAsync(new Uri(App, "example/").AbsoluteUri);
        await Assertions.Expect(visitor.Page).ToHaveTitleAsync(new Regex(@"^1 events by stream in"), new() { Timeout = 60_000 });
        await Assertions.Expect(visitor.Page.Locator("li").Last).ToHaveTextAsync("pushed-meanwhile", new() { Timeout = 60_000 });
        Assert.InRange(await visitor.Page.Locator("li").CountAsync(), 1, 2);
    }

    [Fact]
    public async Task A_stream_that_is_cut_in_the_middle_goes_on()
    {
        var (user, digest) = await HistoryAsync();
        await using var visitor = await VisitAsync(user);
        var sockets = 0;
        await visitor.Page.RouteWebSocketAsync("**/client/hubs/**", socket =>
        {
            var (isFirst, batches) = (++sockets == 1, 0);
            socket.ConnectToServer().OnMessage(frame =>
            {
                if (isFirst && ++batches == 6) _ = socket.CloseAsync(new WebSocketRouteCloseOptions { Code = 4000 });
                else if (!isFirst || batches < 6) socket.Send(frame.Binary!);
            });
        });
        var result = JsonElement.Parse(await visitor.Page.EvaluateAsync<string>(
            """
            async token => {
              const { MemoryStore, SyncManager, digestOf } = await import('/app/page.js');
              const store = new MemoryStore();
              const { transport, resumes, events, seconds } = await new SyncManager({ server: location.origin, token, store }).pull();
              return JSON.stringify({ transport, resumes, events, seconds, digest: digestOf(store.events.map(({ text }) => text)) });
            }
            """,
            user.Token));
        output.WriteLine(result.GetRawText());
        Assert.Equal(1, result.GetProperty("resumes").GetInt32());
        AssertWhole(result, digest);
    }

    [Fact]
    public async Task It_works_in_a_worker()
    {
        var (user, digest) = await HistoryAsync();
        await using var visitor = await VisitAsync(user);
        var result = JsonElement.Parse(await visitor.Page.EvaluateAsync<string>(
            """
            token => new Promise((resolve, reject) => {
              const worker = new Worker('/app/worker.js', { type: 'module' });
              worker.onmessage = ({ data }) => resolve(JSON.stringify(data));
              worker.onerror = reject;
              worker.postMessage({ server: location.origin, token });
            })
            """,
            user.Token));
        output.WriteLine(result.GetRawText());
        AssertWhole(result, digest);
    }

    [Fact]
    public async Task The_store_in_the_browsers_database_does_what_every_store_must()
    {
        await using var visitor = await VisitAsync(backend.NewUser());
        var wrong = await visitor.Page.EvaluateAsync<string[]>(
            """
            async () => {
              const { cases, lastingCases } = await import('/app/store-conformance.mjs');
              const { IndexedDbStore } = await import('/app/node_modules/dequeue-client/src/indexeddb-store.js');
              const wrong = [];
              let number = 0;
              for (const [name, run] of Object.entries({ ...cases, ...lastingCases })) {
                const open = () => IndexedDbStore.open(`case-${number}`);
                number++;
                const store = await open();
                try {
                  await run(store, open);
                } catch (error) {
                  wrong.push(`${name}: ${error.message}`);
                }
                await store.close();
              }
              return number >= 13 ? wrong : [`${number} cases`];
            }
            """);
        Assert.Empty(wrong);
    }

    [Fact]
    public async Task One_tab_at_a_time_has_the_store()
    {
        const string Open = """
            async () => {
              const { IndexedDbStore } = await import('/app/node_modules/dequeue-client/src/indexeddb-store.js');
              window.store = await IndexedDbStore.open('one', { ifFree: true });
              return window.store !== null;
            }
            """;
        await using var visitor = await VisitAsync(backend.NewUser());
        var other = await visitor.Page.Context.NewPageAsync();
        await other.GotoAsync(App.AbsoluteUri);
        Assert.True(await visitor.Page.EvaluateAsync<bool>(Open));
        Assert.False(await other.EvaluateAsync<bool>(Open));
        await other.EvaluateAsync(
            """
            async () => {
              const { IndexedDbStore } = await import('/app/node_modules/dequeue-client/src/indexeddb-store.js');
              window.waiting = IndexedDbStore.open('one').then(store => store.load());
            }
            """);
        await visitor.Page.CloseAsync();
        Assert.Equal(0, await other.EvaluateAsync<int>("async () => (await window.waiting).events"));
    }

    private static void AssertWhole(JsonElement result, string digest)
    {
        Assert.Equal("stream", result.GetProperty("transport").GetString());
        Assert.Equal(Events, result.GetProperty("events").GetInt32());
        Assert.Equal(digest, result.GetProperty("digest").GetString());
    }

    private async Task<(TestUser User, string Digest)> HistoryAsync()
    {
        var user = backend.NewUser();
        using var digest = new EventDigest();
        foreach (var json in await user.PushHistoryAsync(Events)) digest.Append(json);
        return (user, digest.ToString());
    }

    private static async Task PushOneAsync(TestUser user, string type)
    {
        using var pushed = await user.PostAsync(
            "/v1/sync/push", $$$"""{"events":[{"id":"{{{type}}}","ts":"2026-11-22T08:15:30Z","type":"{{{type}}}","payload":{},"payload_version":2}]}""");
        Assert.True(pushed.IsSuccessStatusCode);
    }

    private async Task<Visitor> VisitAsync(TestUser user, string page = "")
    {
        var visitor = await browser.VisitAsync(App);
        await visitor.Page.EvaluateAsync("token => sessionStorage.setItem('token', token)", user.Token);
        await visitor.Page.GotoAsync(new Uri(App, page).AbsoluteUri);
        return visitor;
    }

    private static IResult Page(string script)
        => Results.Content($"""<!doctype html><title>app</title><link rel="icon" href="data:,"><progress></progress><ol></ol>{script}""", "text/html");

    private IResult File(string name)
    {
        var path = name == "store-conformance.mjs" ? Path.Combine(NodeTools.Folder, "client", name) : Path.Combine(package.Folder, name);
        return System.IO.File.Exists(path) ? Results.File(path, "text/javascript") : Results.NotFound();
    }
}
