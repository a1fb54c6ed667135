using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.Tests.Shared;
using Microsoft.Playwright;

namespace Dequeue.Site.Tests;

/// <summary>
/// The page as people see it, with everything on it. <c>DEQUEUE_SCREENSHOTS=docs/images</c> makes the README's pictures.
/// </summary>
public sealed class LookTests(Backend backend, Browser browser)
{
    internal static readonly string? Pictures =
        Environment.GetEnvironmentVariable("DEQUEUE_SCREENSHOTS") is { } folder ? Repository.File(folder) : null;

    // Enough for a picture with a curve in it; less when nobody looks.
    private static readonly int Events = Pictures is null ? 2_000 : 20_000;

    [Theory]
    [InlineData("light", 1280, 860, ColorScheme.Light)]
    [InlineData("dark", 1280, 860, ColorScheme.Dark)]
    [InlineData("phone", 360, 1180, ColorScheme.Light)]
    [InlineData("phone-dark", 360, 1180, ColorScheme.Dark)]
    public async Task It_fits_and_can_be_read(string name, int width, int height, ColorScheme scheme)
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(Events);
        await using var visitor = await browser.VisitAsync(backend.Address, options: new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = width, Height = height },
            ColorScheme = scheme,
            ReducedMotion = ReducedMotion.Reduce,
            DeviceScaleFactor = 1.5f,
        });
        await AssertReadableAsync(visitor.Page);
        await visitor.SignInAsync(user.Token);
        await visitor.SeesLiveAsync();
        for (var i = 0; i < 3; i++)
        {
            await visitor.PressAsync("Push an event from another device");
            await visitor.SeesAsync("#live-push-state", "It arrived");
        }

        await visitor.Page.GetByText("Active stack first").ClickAsync();
        await visitor.PressAsync("Sync a fresh device");
        await visitor.SeesAsync("#fresh", "Complete:");
        await visitor.SeesAsync("#fresh [data-part=facts]", "Verified");
        await visitor.PressAsync("Start the race");
        await AssertReadableAsync(visitor.Page);
        await visitor.SeesAsync("#race-result", "All devices hold the same events");
        await AssertReadableAsync(visitor.Page);
        Assert.Equal(0, await visitor.Page.EvaluateAsync<int>("document.getAnimations().length"));
        if (Pictures is not null)
        {
            await visitor.Page.Mouse.MoveAsync(0, 0);
            await visitor.Page.EvaluateAsync("document.activeElement.blur(); scrollTo(0, 0)");
            Directory.CreateDirectory(Pictures);
            await visitor.Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(Pictures, $"page-{name}.png"), FullPage = width > 360 });
        }
    }

    /// <summary>No sideways scrolling, and every text has the contrast that WCAG 2 AA asks for.</summary>
    internal static async Task AssertReadableAsync(IPage page)
    {
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= document.documentElement.clientWidth"));
        Assert.Empty(await page.EvaluateAsync<string[]>(
            """
            () => {
              const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
              const parse = color => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
              const light = rgb => rgb.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
                .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
              const ground = element => {
                for (; element; element = element.parentElement) {
                  const color = parse(getComputedStyle(element).backgroundColor);
                  if (color[3] === 255) return color;
                }
                return [255, 255, 255];
              };
              const poor = [];
              const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
              while (texts.nextNode()) {
                const element = texts.currentNode.parentElement;
                if (!texts.currentNode.data.trim() || !element.checkVisibility() || element.closest('.sr-only, noscript, fieldset:disabled')) continue;
                const style = getComputedStyle(element);
                const [a, b] = [light(parse(element instanceof SVGElement ? style.fill : style.color)), light(ground(element))];
                const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
                if (ratio < 4.5) poor.push(`${ratio.toFixed(2)}: ${texts.currentNode.data.trim()}`);
              }
              return poor;
            }
            """));
    }
}
