using System.Text.RegularExpressions;
using Dequeue.Cli.Serving;
using Dequeue.EndToEnd.Tests.Hosting;
using Microsoft.Playwright;

namespace Dequeue.Page.Tests;

/// <summary>The operator's page.</summary>
public sealed class OperatorPageTests(Browser browser)
{
    [Fact]
    public async Task With_the_operators_token_it_shows_figures_and_plots_that_go_on_and_without_it_nothing()
    {
        await using var backend = await Backend.StartAsync(new Dictionary<string, string?>());
        await backend.NewUser().PushHistoryAsync(120);
        await using var visitor = await browser.VisitAsync(new Uri(backend.Address, "/operator/"));
        await visitor.Page.Locator("#token").FillAsync("not it");
        await visitor.PressAsync("Look");
        await visitor.SeesAsync("#banner", "This is not the operator’s token.");
        Assert.False(await visitor.Page.Locator("#status").IsVisibleAsync());

        await visitor.Page.Locator("#token").FillAsync(DataFolder.Open(backend.Folder).OperatorToken());
        await visitor.PressAsync("Look");
        await visitor.SeesAsync("#figures", new Regex("Events pushed\\s*120"));
        await visitor.SeesAsync("#recent-none", "None since the start.");

        // Two samples make a line.
        foreach (var plot in new[] { "#connections-plot .line.stream", "#memory-plot .line.stream" })
            await Assertions.Expect(visitor.Page.Locator(plot)).ToHaveAttributeAsync("d", new Regex("^M.*L"), new() { Timeout = 60_000 });
        await visitor.Page.ReloadAsync();
        await visitor.SeesAsync("#figures", new Regex("Events pushed\\s*120"));
        Assert.Empty(visitor.Problems);
    }
}
