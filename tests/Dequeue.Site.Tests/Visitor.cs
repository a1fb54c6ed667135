using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Dequeue.Site.Tests;

/// <summary>Someone at the page: what he does, what he sees, and what went wrong behind it.</summary>
internal sealed class Visitor : IAsyncDisposable
{
    // For a machine that does much else: what is waited for comes in a moment.
    private static readonly LocatorAssertionsToContainTextOptions Patience = new() { Timeout = 60_000 };

    private readonly IBrowserContext _context;

    private Visitor(IBrowserContext context, IPage page) => (_context, Page) = (context, page);

    public IPage Page { get; }

    /// <summary>Broken rules of the Content-Security-Policy, and exceptions that nobody caught.</summary>
    public ConcurrentQueue<string> Problems { get; } = new();

    /// <summary>Every URL that the page asked for.</summary>
    public ConcurrentQueue<string> Urls { get; } = new();

    public static async Task<Visitor> OpenAsync(IBrowserContext context)
    {
        await context.AddInitScriptAsync("addEventListener('securitypolicyviolation', broken => console.error(`CSP ${broken.violatedDirective} ${broken.blockedURI}`));");
        var visitor = new Visitor(context, await context.NewPageAsync());
        visitor.Page.PageError += (_, error) => visitor.Problems.Enqueue(error);
        visitor.Page.Request += (_, request) => visitor.Urls.Enqueue(request.Url);
        visitor.Page.WebSocket += (_, socket) => visitor.Urls.Enqueue(socket.Url);
        visitor.Page.Console += (_, message) =>
        {
            // The browser itself logs answers such as 401 and sockets that do not open: those are what some tests are about.
            if (message.Type == "error" && !message.Text.StartsWith("Failed to load resource", StringComparison.Ordinal)
                && !message.Text.StartsWith("WebSocket connection to", StringComparison.Ordinal))
                visitor.Problems.Enqueue(message.Text);
        };
        return visitor;
    }

    public ILocator Banner => Page.Locator("#banner");

    public Task SignInAsync(string token) => SubmitAsync(token, Page.Locator("#workspace"));

    /// <summary>Signs in, and waits for what should come of it.</summary>
    public async Task SubmitAsync(string token, ILocator outcome)
    {
        await Page.GetByLabel("Token", new PageGetByLabelOptions { Exact = true }).FillAsync(token);
        await Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Sign in" }).ClickAsync();
        await Expect(outcome).ToBeVisibleAsync(new LocatorAssertionsToBeVisibleOptions { Timeout = Patience.Timeout });
    }

    public Task PressAsync(string button) => Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = button }).ClickAsync();

    public Task SeesAsync(string selector, string text) => Expect(Page.Locator(selector)).ToContainTextAsync(text, Patience);

    public Task SeesAsync(string selector, Regex text) => Expect(Page.Locator(selector)).ToContainTextAsync(text, Patience);

    public Task SeesLiveAsync() => SeesAsync("#live-state", new Regex("^Live$"));

    public async ValueTask DisposeAsync()
    {
        await _context.DisposeAsync();
        Assert.Empty(Problems);
    }
}
