using Dequeue.WebPubSub;
using Dequeue.Tests.Shared;

namespace Dequeue.WebPubSub.Tests;

/// <summary>The unmodified SDKs of Azure Web PubSub for JavaScript against the service; each script asserts by itself.</summary>
public sealed class NodeSdkTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_service_SDK_can_do_every_operation()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        await NodeTools.RunAsync("webpubsub/service.mjs", [service.Server.ConnectionString], Cancel);
    }

    [Theory]
    [InlineData("json")]
    [InlineData("reliable")]
    public async Task The_client_SDK_joins_sends_gets_acks_and_ten_thousand_messages_in_order(string kind)
    {
        // The reliable client of the SDK acknowledges once a second: faster senders need a longer buffer than Azure's.
        await using var service = await ServiceFixture.StartAsync(
            Cancel, new WebPubSubServerOptions { Port = 0, Limits = new WebPubSubLimits { MaxQueuedMessages = 20_000 } });
        await NodeTools.RunAsync("webpubsub/client.mjs", [service.Server.ConnectionString, kind], Cancel);
    }

    [Fact]
    public async Task The_client_SDK_recovers_what_it_missed()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        await NodeTools.RunAsync("webpubsub/recovery.mjs", [service.Server.ConnectionString, "back"], Cancel);
    }

    [Fact]
    public async Task The_client_SDK_comes_anew_when_it_was_given_up()
    {
        await using var service = await ServiceFixture.StartAsync(
            Cancel, new WebPubSubServerOptions { Port = 0, RecoveryWindow = TimeSpan.FromSeconds(1) });
        await NodeTools.RunAsync("webpubsub/recovery.mjs", [service.Server.ConnectionString, "late"], Cancel);
    }

    [Fact]
    public async Task The_Express_SDK_is_the_event_handler()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        await NodeTools.RunAsync(
            "webpubsub/handler.mjs",
            [service.Server.ConnectionString],
            Cancel,
            url =>
            {
                service.Server.SetEventHandlers("chat", new WebPubSubEventHandler(url));
                return "go";
            });
    }
}

/// <summary>In a class of its own, so that it runs beside the other tests.</summary>
public sealed class IdleClientTests
{
    [Fact]
    [Trait("Duration", "Long")]
    public async Task Idle_clients_stay_for_three_minutes()
    {
        // With the intervals that everyone gets.
        await using var service = await ServiceFixture.StartAsync(
            TestContext.Current.CancellationToken, new WebPubSubServerOptions { Port = 0 });
        await NodeTools.RunAsync("webpubsub/idle.mjs", [service.Server.ConnectionString, "180"], TestContext.Current.CancellationToken);
    }
}
