using System.Text.RegularExpressions;
using Dequeue.Contracts;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.Storage;
using Dequeue.Sync.Log;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.Site.Tests;

public sealed class LiveTests(Backend backend, Browser browser)
{
    [Fact]
    public async Task An_event_from_another_device_appears_and_the_totals_follow()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(5);
        await using var visitor = await browser.VisitAsync(backend.Address);
        await visitor.SignInAsync(user.Token);
        await visitor.SeesLiveAsync();
        using var pushed = await user.PostAsync(
            "/v1/sync/push",
            """{"events":[{"id":"from-afar","device_id":"another-device","app_id":"dequeue","ts":"2026-11-22T08:15:30Z","type":"stack.created","payload":{},"payload_version":2}]}""");

        await visitor.SeesAsync("#live-events li[data-id=from-afar]", "stack.created");
        await visitor.SeesAsync("#live-events li[data-id=from-afar]", "another-device");
        await visitor.SeesAsync("#total-events", new Regex("^6$"));
    }

    [Fact]
    public async Task A_log_that_was_erased_is_told_of_and_the_page_begins_anew_at_a_press()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(5);
        await using var visitor = await browser.VisitAsync(backend.Address);
        await visitor.SignInAsync(user.Token);
        await visitor.SeesLiveAsync();
        using (var table = (IDisposable)EventLogStorage.Open("sqlite:" + Path.Combine(backend.Folder, "events.db")))
        {
            var events = new EventLog((IPartitionedTable)table, TimeProvider.System, NullLogger<EventLog>.Instance);
            await events.EraseAsync(new LogKey(AppId.Parse("dequeue"), user.Id), TestContext.Current.CancellationToken);
        }

        await user.PushHistoryAsync(2, seed: 2);
        await visitor.SeesAsync("#banner", "This history is no more");
        await visitor.SeesAsync("#total-events", new Regex("^5$"));
        await visitor.PressAsync("Begin anew");
        await visitor.SeesAsync("#total-events", new Regex("^2$"));
        Assert.False(await visitor.Banner.IsVisibleAsync());
    }

    [Fact]
    public async Task The_button_pushes_an_event_that_arrives()
    {
        var user = backend.NewUser();
        await using var visitor = await browser.VisitAsync(backend.Address);
        await visitor.SignInAsync(user.Token);
        await visitor.SeesLiveAsync();
        await visitor.PressAsync("Push an event from another device");
        await visitor.SeesAsync("#live-push-state", new Regex(@"It arrived \d+ ms after"));
        await visitor.SeesAsync("#live-events li:first-child", "task.created");
        Assert.Equal(1, (await user.MetaAsync()).GetProperty("eventCount").GetInt64());
    }
}
