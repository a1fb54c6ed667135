using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(Dequeue.Site.Tests.Browser))]

namespace Dequeue.Site.Tests;

/// <summary>One Chromium for all tests; each visitor has a profile of its own.</summary>
public sealed class Browser : IAsyncLifetime
{
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        if (await Chromium.FindAsync() is not { } path) return;
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = path, Args = Chromium.Arguments });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
    }

    /// <summary>How long a page may take on a machine that does much else, in milliseconds: a guard, not a measure.</summary>
    private const float Patience = 120_000;

    /// <summary>Changes the page once it is parsed, before its modules run. A page that a test answers itself may not call loopback.</summary>
    private const string Offer =
        "document.addEventListener('readystatechange', () => document.querySelector('meta[name=dequeue-references]').content = 'true')";

    /// <summary>Someone who opens the page.</summary>
    /// <param name="address">The server's address, below which the page is.</param>
    /// <param name="fragment">What follows the address.</param>
    /// <param name="options">How the browser is.</param>
    /// <param name="offersReferences">Whether the page is told that the server has pages by reference, which a test then plays.</param>
    internal async Task<Visitor> VisitAsync(
        Uri address, string fragment = "", BrowserNewContextOptions? options = null, bool offersReferences = false)
    {
        if (_browser is null)
        {
            if (Environment.GetEnvironmentVariable("CI") == "true") Assert.Fail("Chromium is missing.");
            Assert.Skip("Chromium is missing, and cannot be installed here: apt-get install chromium.");
        }

        var context = await _browser.NewContextAsync(options);
        context.SetDefaultNavigationTimeout(Patience);
        context.SetDefaultTimeout(Patience);
        var visitor = await Visitor.OpenAsync(context);
        if (offersReferences) await visitor.Page.AddInitScriptAsync(Offer);
        await visitor.Page.GotoAsync(address.AbsoluteUri + fragment);
        return visitor;
    }
}
