using Dequeue.EndToEnd.Tests.Hosting;
using static Microsoft.Playwright.Assertions;

namespace Dequeue.Site.Tests;

public sealed class KeyboardTests(Backend backend, Browser browser)
{
    private static readonly string[] Options = ["[name=encodings]", "[name=priority]", "[name=compact]", "[name=delta]", "[name=window]"];

    [Fact]
    public async Task Everything_can_be_done_without_a_mouse_and_the_focus_is_always_seen()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(500);
        await using var visitor = await browser.VisitAsync(backend.Address);
        var keys = visitor.Page.Keyboard;
        await keys.TypeAsync(user.Token);
        await keys.PressAsync("Enter");
        await visitor.SeesLiveAsync();

        await TabToAsync("#fresh-start");
        await keys.PressAsync("Enter");
        await visitor.SeesAsync("#fresh", "Complete: 500 events");
        foreach (var option in Options)
        {
            await TabToAsync(option);
            await keys.PressAsync("Space");
        }

        await TabToAsync("#live-push");
        await keys.PressAsync("Space");
        await visitor.SeesAsync("#live-push-state", "It arrived");
        await TabToAsync("#race-start");
        await TabToAsync("[name=link]:checked");
        await keys.PressAsync("ArrowLeft");
        await keys.PressAsync("Shift+Tab");
        await keys.PressAsync("Enter");
        await visitor.SeesAsync("#race-rest-1000", "501 events in 1 request.");
        await Expect(visitor.Page.Locator("#race-start")).ToBeFocusedAsync();
        foreach (var _ in (string[])["#live-push", .. Options, "#fresh-start", "#sign-out"]) await keys.PressAsync("Shift+Tab");
        await keys.PressAsync("Enter");
        await Expect(visitor.Page.Locator("#token")).ToBeFocusedAsync();

        async Task TabToAsync(string selector)
        {
            await keys.PressAsync("Tab");
            Assert.True(await visitor.Page.EvaluateAsync<bool>("selector => document.activeElement.matches(selector)", selector), $"Tab did not lead to {selector}.");
            Assert.NotEqual("none", await visitor.Page.EvaluateAsync<string>(
                "() => getComputedStyle(document.activeElement.matches('[type=radio], [type=checkbox]') ? document.activeElement.nextElementSibling : document.activeElement).outlineStyle"));
        }
    }
}
