using System.Text;
using Dequeue.EndToEnd.Tests.Hosting;
using Microsoft.Playwright;

namespace Dequeue.Site.Tests;

/// <summary>Real streams of three batches of 1,000 events, tampered with on their way.</summary>
public sealed class BadStreamTests(Backend backend, Browser browser)
{
    private const string TakesOver = "REST takes over.", CarriesOn = "REST carries on after 1,000 events.";

    [Theory]
    [InlineData("cut before each second batch", "The stream was cut (code 4000). REST carries on after 2,000 events.")]
    [InlineData("lose the second batch", "Batch 1 is missing. " + CarriesOn)]
    [InlineData("lose the start", "The stream did not begin with its start. " + TakesOver)]
    [InlineData("repeat the start", "The stream started twice. " + TakesOver)]
    [InlineData("garble the second batch", "A message of the stream is not valid JSON. " + CarriesOn)]
    [InlineData("garble compressed", "A message of the stream is not valid gzip. " + CarriesOn)]
    [InlineData("mistype the second batch", "A sync.stream.batch of the stream is malformed. " + CarriesOn)]
    [InlineData("announce too few", "More events came than the 10 announced. " + CarriesOn)]
    [InlineData("count wrongly", "3000 events came; 3000 were announced and 2999 sent. REST carries on after 3,000 events.")]
    [InlineData("end in an error", "The stream ended in an error: out of order. " + CarriesOn)]
    public async Task Whatever_goes_wrong_REST_brings_every_event_once(string what, string note)
    {
        await using var visitor = await SyncAsync(what);
        await visitor.SeesAsync("#fresh", "Complete: 3,000 events in");
        await visitor.SeesAsync("#fresh [data-part=state]", "with the help of REST.");
        await visitor.SeesAsync("#fresh [data-part=note]", note);
    }

    [Theory]
    [InlineData("repeat the second batch")]
    [InlineData("add an unknown message")]
    public async Task What_is_harmless_is_ignored(string what)
    {
        await using var visitor = await SyncAsync(what);
        await visitor.SeesAsync("#fresh", "Complete: 3,000 events in");
        await visitor.SeesAsync("#fresh [data-part=state]", "by stream");
    }

    [Fact]
    public async Task A_stream_that_is_cut_goes_on_as_a_stream_and_its_progress_never_goes_back()
    {
        await using var visitor = await SyncAsync("cut once");
        await visitor.SeesAsync("#fresh", "Complete: 3,000 events in");
        await visitor.SeesAsync("#fresh [data-part=state]", "by stream");
        await visitor.SeesAsync("#fresh [data-part=note]", "The stream was cut and goes on after 1,000 events.");
        Assert.DoesNotContain(visitor.Urls, url => url.EndsWith("/v1/sync/pull", StringComparison.Ordinal));
        var seen = await visitor.Page.EvaluateAsync<int[][]>("seen");
        Assert.Contains(seen, pair => pair is [1000, 3000]);
        Assert.All(seen.Zip(seen.Skip(1)), pair => Assert.True(pair.Second[0] >= pair.First[0] && pair.Second[1] >= pair.First[1]));
    }

    private async Task<Visitor> SyncAsync(string what)
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(3_000);
        var visitor = await browser.VisitAsync(backend.Address);
        await visitor.SignInAsync(user.Token);
        await visitor.SeesLiveAsync();
        var streams = 0;
        await visitor.Page.RouteWebSocketAsync("**/client/hubs/**", socket =>
        {
            var spoiled = ++streams == 1 || what != "cut once" ? what : "";
            var server = socket.ConnectToServer();
            server.OnMessage(frame => Tamper(spoiled, Encoding.UTF8.GetString(frame.Binary!), socket));
        });
        await visitor.Page.EvaluateAsync(
            """
            window.seen = [];
            new MutationObserver(() => {
              const [processed, total] = document.querySelector('#fresh [data-part=count]').textContent.replaceAll(/[^0-9 ]/g, '').split(/ +/).filter(Boolean).map(Number);
              if (total) window.seen.push([processed, total]);
            }).observe(document.querySelector('#fresh [data-part=count]'), { childList: true, subtree: true, characterData: true });
            """);
        await visitor.Page.GetByText("Compressed batches").ClickAsync();
        await visitor.PressAsync("Sync a fresh device");
        return visitor;
    }

    private static void Tamper(string what, string message, IWebSocketRoute page)
    {
        var start = message.StartsWith("""{"type":"sync.stream.start""", StringComparison.Ordinal);
        var second = message.Contains("\"batchIndex\":1", StringComparison.Ordinal);
        var complete = message.StartsWith("""{"type":"sync.stream.complete""", StringComparison.Ordinal);
        byte[][] frames = what switch
        {
            "cut before each second batch" or "cut once" when second => [],
            "lose the second batch" when second => [],
            "lose the start" when start => [],
            "repeat the start" when start => [Bytes(message), Bytes(message)],
            "repeat the second batch" when second => [Bytes(message), Bytes(message)],
            "garble the second batch" when second => [Bytes(message[..^10])],
            "garble compressed" when second => [[0x1f, 0x8b, 8, 0, .. Bytes(message)]],
            "mistype the second batch" when second => [Bytes(message.Replace("\"isLast\":false", "\"isLast\":\"no\"", StringComparison.Ordinal))],
            "announce too few" when start => [Bytes(message.Replace("3000", "10", StringComparison.Ordinal))],
            "count wrongly" when complete => [Bytes(message.Replace("3000", "2999", StringComparison.Ordinal))],
            "end in an error" when second => [Bytes("""{"type":"sync.stream.error","error":"out of order","code":"INTERNAL"}""")],
            "add an unknown message" when second => [Bytes("""{"type":"sync.stream.weather","sky":"blue"}"""), Bytes(message)],
            _ => [Bytes(message)],
        };
        foreach (var frame in frames) page.Send(frame);
        if (second && what is ("cut before each second batch" or "cut once")) _ = page.CloseAsync(new WebSocketRouteCloseOptions { Code = 4000 });
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
