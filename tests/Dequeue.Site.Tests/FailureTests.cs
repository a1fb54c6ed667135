using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Dequeue.SampleEvents;

namespace Dequeue.Site.Tests;

public sealed class FailureTests(Browser browser)
{
    [Fact]
    public async Task Without_Web_PubSub_REST_brings_the_history_and_says_why()
    {
        await using var backend = await PartedBackend.StartAsync();
        await PushAsync(backend, 3_000);
        await using var visitor = await browser.VisitAsync(backend.Address);
        await visitor.SignInAsync(PartedBackend.Token("page"));
        await visitor.SeesLiveAsync();
        await backend.WebPubSub.StopAsync(TestContext.Current.CancellationToken);
        await visitor.SeesAsync("#live-state", "Reconnecting");
        await visitor.PressAsync("Sync a fresh device");

        await visitor.SeesAsync("#fresh", "Web PubSub cannot be reached. REST takes over.");
        await visitor.SeesAsync("#fresh", new Regex(@"Complete: 3,000 events in .* REST\."));
        Assert.False(await visitor.Banner.IsVisibleAsync());
    }

    [Fact]
    public async Task Storage_that_is_down_is_said_clearly()
    {
        await using var backend = await PartedBackend.StartAsync(
            $"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={Convert.ToBase64String("none"u8)};TableEndpoint=http://127.0.0.1:{DeadPort()}/devstoreaccount1;");
        await using var visitor = await browser.VisitAsync(backend.Address);
        await visitor.SignInAsync(PartedBackend.Token("page"));
        await visitor.SeesAsync("#banner", "The event log’s storage does not answer. (503 DB_ERROR)");

        await visitor.PressAsync("Sync a fresh device");
        await visitor.SeesAsync("#fresh", "Trying again, attempt 2 of 5.");
        await visitor.SeesAsync("#banner", "The event log’s storage does not answer. (503 DB_ERROR)");
    }

    [Fact]
    public async Task A_device_that_goes_offline_is_told_so_and_carries_on_afterwards()
    {
        await using var backend = await PartedBackend.StartAsync();
        await PushAsync(backend, 10);
        await using var visitor = await browser.VisitAsync(backend.Address);
        await visitor.SignInAsync(PartedBackend.Token("page"));
        await visitor.SeesLiveAsync();
        await visitor.Page.Context.SetOfflineAsync(true);
        await visitor.SeesAsync("#banner", "This device is offline.");
        await visitor.Page.Context.SetOfflineAsync(false);
        await visitor.PressAsync("Sync a fresh device");
        await visitor.SeesAsync("#fresh", "Complete: 10 events");
        Assert.False(await visitor.Banner.IsVisibleAsync());
    }

    // Bound and let go again: nothing listens there.
    private static int DeadPort()
    {
        using var listener = new TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task PushAsync(PartedBackend backend, int count)
    {
        using var http = new HttpClient { BaseAddress = backend.Address };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", PartedBackend.Token("page"));
        foreach (var chunk in new EventGenerator(new EventGeneratorOptions { UserId = "page" }).Generate(count).Chunk(1000))
        {
            using var body = new StringContent($$"""{"events":[{{string.Join(',', chunk.Select(Encoding.UTF8.GetString))}}]}""", Encoding.UTF8, "application/json");
            using var answer = await http.PostAsync("/v1/sync/push", body, TestContext.Current.CancellationToken);
            answer.EnsureSuccessStatusCode();
        }
    }
}
