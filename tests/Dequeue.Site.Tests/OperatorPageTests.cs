using System.Net.WebSockets;
using System.Text.RegularExpressions;
using Dequeue.Cli.Serving;
using Dequeue.EndToEnd.Tests.Hosting;
using Microsoft.Playwright;

namespace Dequeue.Site.Tests;

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

    [Theory]
    [InlineData("operator", 1100, 760, ColorScheme.Light)]
    [InlineData("operator-dark", 1100, 760, ColorScheme.Dark)]
    [InlineData("operator-phone", 360, 1180, ColorScheme.Light)]
    public async Task It_fits_and_can_be_read(string name, int width, int height, ColorScheme scheme)
    {
        await using var backend = await Backend.StartAsync(new Dictionary<string, string?>());
        await using var visitor = await browser.VisitAsync(new Uri(backend.Address, "/operator/"), options: new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = width, Height = height },
            ColorScheme = scheme,
            DeviceScaleFactor = 1.5f,
        });
        await LookTests.AssertReadableAsync(visitor.Page);
        await visitor.Page.Locator("#token").FillAsync(DataFolder.Open(backend.Folder).OperatorToken());
        await visitor.PressAsync("Look");

        // Curves for a picture: a device more each second, and what it pushes. A call that is not signed makes a warning.
        var sockets = new List<ClientWebSocket>();
        for (var i = 0; LookTests.Pictures is not null && i < 30; i++)
        {
            var user = backend.NewUser();
            await user.PushHistoryAsync(200 + (600 * (i % 7)));
            using var negotiated = await user.PostAsync("/v1/sync/stream/negotiate", "");
            var socket = new ClientWebSocket();
            sockets.Add(socket);
            await socket.ConnectAsync(new Uri((await TestUser.JsonOf(negotiated)).GetProperty("url").GetString()!), TestContext.Current.CancellationToken);
            await socket.SendAsync("""{"type":"sync.stream.request","live":true}"""u8.ToArray(), WebSocketMessageType.Text, true, TestContext.Current.CancellationToken);
            await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        }

        using var unsigned = await backend.Http.PostAsync("/webpubsub/events", null, TestContext.Current.CancellationToken);
        await visitor.SeesAsync("#recent", new Regex("Warning 302: A call to the event handler was refused"));
        await Assertions.Expect(visitor.Page.Locator("#memory-plot .line.stream")).ToHaveAttributeAsync("d", new Regex("^M.*L"), new() { Timeout = 60_000 });
        await LookTests.AssertReadableAsync(visitor.Page);
        if (LookTests.Pictures is { } pictures)
            await visitor.Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(pictures, $"{name}.png"), FullPage = true });
        sockets.ForEach(static socket => socket.Dispose());
        Assert.Empty(visitor.Problems);
    }
}
