using System.Text.RegularExpressions;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.Site.Tests;

public sealed class SyncTests(Backend backend, Browser browser)
{
    [Fact]
    public async Task Ten_thousand_events_arrive_by_stream_and_the_progress_moves_and_ends_at_100()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(10_000);
        await using var visitor = await browser.VisitAsync(backend.Address);
        await visitor.SignInAsync(user.Token);
        await visitor.Page.EvaluateAsync(
            """
            () => {
              const bar = document.querySelector('#fresh progress');
              window.seen = [];
              const look = () => { seen.push([bar.value, Number(document.querySelector('#fresh [data-part=percent]').textContent)]); requestAnimationFrame(look); };
              look();
            }
            """);
        await visitor.PressAsync("Sync a fresh device");
        await visitor.SeesAsync("#fresh", new Regex(@"Complete: 10,000 events in \d+\.\d+ s by stream, \d+\.\d+ MB received\."));

        var seen = await visitor.Page.EvaluateAsync<double[][]>("seen");
        Assert.Contains(seen, values => values[0] is > 0 and < 1);
        Assert.All(seen.Zip(seen.Skip(1)), pair => Assert.True(pair.First[0] <= pair.Second[0] && pair.First[1] <= pair.Second[1]));
        Assert.All(seen, values => Assert.InRange(values[1], 0, 100));
        await visitor.SeesAsync("#fresh [data-part=percent]", new Regex("^100$"));
        await visitor.SeesAsync("#fresh [data-part=count]", "10,000 of 10,000");
    }

    [Fact]
    public async Task Compressed_batches_can_be_switched_off_and_then_take_more_bytes()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(2_000);
        await using var visitor = await browser.VisitAsync(backend.Address);
        await visitor.SignInAsync(user.Token);
        var compressed = await MegabytesAsync();
        await visitor.Page.GetByText("Compressed batches").ClickAsync();
        var plain = await MegabytesAsync();
        Assert.InRange(compressed, 0.01, plain / 3);

        async Task<double> MegabytesAsync()
        {
            await visitor.PressAsync("Sync a fresh device");
            await visitor.SeesAsync("#fresh-start", "Sync a fresh device");
            await visitor.SeesAsync("#fresh", "Complete: 2,000 events");
            var state = await visitor.Page.Locator("#fresh [data-part=state]").TextContentAsync();
            return double.Parse(Regex.Match(state!, @"([\d.]+) MB").Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    [Fact]
    public async Task An_empty_history_completes_too()
    {
        await using var visitor = await browser.VisitAsync(backend.Address);
        await visitor.SignInAsync(backend.NewUser().Token);
        await visitor.PressAsync("Sync a fresh device");
        await visitor.SeesAsync("#fresh", "Complete: 0 events");
        await visitor.SeesAsync("#fresh [data-part=percent]", new Regex("^100$"));
    }

    [Fact]
    public async Task The_race_ends_with_equal_histories_and_says_who_was_faster()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(2_000);
        await using var visitor = await browser.VisitAsync(backend.Address);
        await visitor.SignInAsync(user.Token);
        await visitor.Page.GetByText("50 ms", new() { Exact = true }).ClickAsync();
        await visitor.PressAsync("Start the race");

        await visitor.SeesAsync("#race-result", new Regex(@"^The stream was \d+\.\d × (as fast as|slower than) pages of 100, and \d+\.\d × (as fast as|slower than) pages of 1,000\. All devices hold the same events in the same order\.$"));
        await visitor.SeesAsync("#race-rest-100", "2,000 events in 20 requests.");
        await visitor.SeesAsync("#race-rest-1000", "2,000 events in 2 requests.");
        await visitor.SeesAsync("#race-stream", "2,000 events in 2 batches.");
    }

    [Fact]
    public async Task A_race_can_be_stopped()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(2_000);
        await using var visitor = await browser.VisitAsync(backend.Address);
        await visitor.SignInAsync(user.Token);
        await visitor.Page.GetByText("200 ms", new() { Exact = true }).ClickAsync();
        await visitor.PressAsync("Start the race");
        await visitor.PressAsync("Stop");
        await visitor.SeesAsync("#race-rest-100", "Stopped.");
        Assert.False(await visitor.Page.Locator("#race-result").IsVisibleAsync());
    }
}
