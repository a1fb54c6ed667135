using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.Tests.Shared;
using Microsoft.Playwright;

namespace Dequeue.Page.Tests;

/// <summary>The package dequeue-client in Chromium: installed from its tarball, bundled, and served beside the server.</summary>
public sealed class PackageTests(Backend backend, Browser browser, InstalledPackage package)
    : IClassFixture<InstalledPackage>, IAsyncLifetime
{
    private const string App = "/app/";

    public async ValueTask InitializeAsync() => await package.InstallAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task The_store_in_the_browsers_database_does_what_every_store_must()
    {
        await using var visitor = await VisitAsync("", backend.NewUser());
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
        await using var visitor = await VisitAsync("", backend.NewUser());
        var other = await visitor.Page.Context.NewPageAsync();
        await RouteAsync(other, "");
        await other.GotoAsync(new Uri(backend.Address, App).AbsoluteUri);
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

    private async Task<Visitor> VisitAsync(string body, TestUser user)
    {
        var visitor = await browser.VisitAsync(backend.Address);
        await RouteAsync(visitor.Page, body);
        await visitor.Page.EvaluateAsync("token => sessionStorage.setItem('token', token)", user.Token);
        await visitor.Page.GotoAsync(new Uri(backend.Address, App).AbsoluteUri);
        return visitor;
    }

    // An app of the server's own origin.
    private async Task RouteAsync(IPage page, string body)
        => await page.RouteAsync("**" + App + "**", route =>
        {
            var name = new Uri(route.Request.Url).AbsolutePath[App.Length..];
            if (name.Length == 0) return route.FulfillAsync(new() { ContentType = "text/html", Body = $"<!doctype html><title>app</title>{body}" });
            var path = name == "store-conformance.mjs" ? Path.Combine(NodeTools.Folder, "client", name) : Path.Combine(package.Folder, name);
            return File.Exists(path)
                ? route.FulfillAsync(new() { ContentType = "text/javascript", BodyBytes = File.ReadAllBytes(path) })
                : route.FulfillAsync(new() { Status = 404 });
        });
}
