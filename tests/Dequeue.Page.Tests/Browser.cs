using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(Dequeue.Page.Tests.Browser))]

namespace Dequeue.Page.Tests;

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

    /// <summary>Someone who opens the page.</summary>
    internal async Task<Visitor> VisitAsync(Uri address, string fragment = "", BrowserNewContextOptions? options = null)
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
        await visitor.Page.GotoAsync(new Uri(address, "/" + fragment).AbsoluteUri);
        return visitor;
    }
}
