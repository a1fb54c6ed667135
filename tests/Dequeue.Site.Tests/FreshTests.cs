using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.RegularExpressions;
using Dequeue.EndToEnd.Tests.Hosting;
using Microsoft.Playwright;

namespace Dequeue.Site.Tests;

/// <summary>What the page does for who has just come, and for who lost the server.</summary>
public sealed class FreshTests(Backend backend, Browser browser)
{
    [Fact]
    public async Task After_a_dead_server_a_device_goes_on_from_what_it_holds()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(3_000);
        await using var visitor = await browser.VisitAsync(backend.Address);
        await visitor.SignInAsync(user.Token);
        await visitor.SeesLiveAsync();
        var isDead = true;
        await visitor.Page.RouteWebSocketAsync("**/client/hubs/**", socket =>
        {
            var batches = 0;
            socket.ConnectToServer().OnMessage(frame =>
            {
                // The start, a batch, and then nothing.
                if (++batches <= 2) socket.Send(frame.Binary!);
                else if (isDead) _ = socket.CloseAsync(new WebSocketRouteCloseOptions { Code = 4000 });
                else socket.Send(frame.Binary!);
            });
            if (isDead) visitor.Page.RouteAsync("**/v1/sync/**", route => isDead ? route.AbortAsync() : route.ContinueAsync());
        });
        await visitor.PressAsync("Sync a fresh device");
        await visitor.SeesAsync("#fresh-start", "Go on after 1,000 events");
        await visitor.SeesAsync("#fresh [data-part=count]", "1,000 of 3,000");

        isDead = false;
        await visitor.PressAsync("Go on after 1,000 events");
        await visitor.SeesAsync("#fresh", new Regex(@"Complete: 3,000 events in .* by stream, .* It went on after 1,000 events\."));
        await visitor.SeesAsync("#fresh [data-part=count]", "3,000 of 3,000");
        await visitor.SeesAsync("#fresh-start", "Sync a fresh device");
        Assert.False(await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Start over" }).IsVisibleAsync());
    }

    [Fact]
    public async Task A_device_that_was_stopped_can_start_over()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(3_000);
        await using var visitor = await browser.VisitAsync(backend.Address);
        await visitor.SignInAsync(user.Token);
        await visitor.SeesLiveAsync();
        var asked = new ConcurrentQueue<bool>();
        await visitor.Page.RouteWebSocketAsync("**/client/hubs/**", socket =>
        {
            var (server, frames, isFirst) = (socket.ConnectToServer(), 0, asked.IsEmpty);
            socket.OnMessage(frame =>
            {
                var message = JsonDocument.Parse(frame.Binary!).RootElement;
                if (message.GetProperty("type").GetString() == "sync.stream.request") asked.Enqueue(message.TryGetProperty("since", out _));
                server.Send(frame.Binary!);
            });
            server.OnMessage(frame =>
            {
                // The start and a batch; the next stream is whole.
                if (!isFirst || ++frames <= 2) socket.Send(frame.Binary!);
            });
        });
        await visitor.PressAsync("Sync a fresh device");
        await visitor.SeesAsync("#fresh [data-part=count]", "1,000 of 3,000");
        await visitor.PressAsync("Stop");
        await visitor.SeesAsync("#fresh [data-part=state]", "Stopped.");
        await visitor.PressAsync("Start over");
        await visitor.SeesAsync("#fresh", new Regex(@"Complete: 3,000 events in \d+\.\d+ s by stream, \d+\.\d+ MB received\.$", RegexOptions.Multiline));
        Assert.Equal([false, false], asked);
    }

    [Fact]
    public async Task Charts_show_nothing_until_something_was_measured()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(12);
        await using var visitor = await browser.VisitAsync(backend.Address);
        await visitor.SignInAsync(user.Token);
        await visitor.SeesLiveAsync();
        Assert.Equal(0, await visitor.Page.Locator("figure:visible").CountAsync());
        await visitor.PressAsync("Sync a fresh device");
        await visitor.SeesAsync("#fresh", "Complete: 12 events");
        Assert.True(await visitor.Page.Locator("#fresh figure").IsVisibleAsync());
        Assert.False(await visitor.Page.Locator("#race figure").IsVisibleAsync());
    }

    [Fact]
    public async Task By_reference_is_offered_only_where_the_server_has_it()
    {
        await using var visitor = await browser.VisitAsync(backend.Address);
        await visitor.SignInAsync(backend.NewUser().Token);
        Assert.Equal(0, await visitor.Page.Locator("[name=references]").CountAsync());
        Assert.False(await visitor.Page.Locator("#options-hint").IsVisibleAsync());
        Assert.Equal(5, await visitor.Page.Locator("#options input").CountAsync());
    }

    [Fact]
    public async Task The_name_of_the_user_is_whole_on_a_phone()
    {
        var user = Dequeue.Contracts.UserId.Parse("a-user-with-a-name-that-is-longer-than-a-phone-is-wide@an-identity-provider.example");
        await using var visitor = await browser.VisitAsync(
            backend.Address, options: new BrowserNewContextOptions { ViewportSize = new ViewportSize { Width = 360, Height = 800 } });
        await visitor.SignInAsync(backend.Token(user, "dequeue", TimeSpan.FromHours(1)));
        await visitor.SeesAsync("#user", user.Value);
        Assert.True(await visitor.Page.EvaluateAsync<bool>(
            """
            () => {
              const range = document.createRange();
              range.selectNodeContents(document.querySelector('#user'));
              const shown = document.querySelector('.user').getBoundingClientRect();
              const holds = box => box.left >= shown.left - 1 && box.right <= shown.right + 1 && box.bottom <= shown.bottom + 1;
              return [...range.getClientRects()].every(holds) && shown.right <= innerWidth && document.documentElement.scrollWidth <= innerWidth;
            }
            """));
    }
}
