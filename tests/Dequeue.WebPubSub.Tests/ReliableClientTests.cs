using System.Net.WebSockets;
using Azure.Core;
using Dequeue.WebPubSub;
using Microsoft.Extensions.Time.Testing;

namespace Dequeue.WebPubSub.Tests;

public sealed class ReliableClientTests
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Messages_are_numbered_and_what_was_not_acknowledged_comes_again_before_what_is_new()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var first = await service.ConnectJsonAsync(Cancel, "ann", reliable: true, "g");
        await service.SendTextAsync("g", "1", "2", "3");
        Assert.Equal("""{"sequenceId":1,"type":"message","from":"group","group":"g","dataType":"text","data":"1"}""", (await first.ReadAsync(Cancel)).Text);
        Assert.Equal<int[]>([2, 3], await NumbersAsync(first, 2));
        await first.SendAsync(new { type = "sequenceAck", sequenceId = 2 }, Cancel);
        Assert.True((bool?)(await first.RequestAsync(new { type = "joinGroup", group = "other", ackId = 5 }, Cancel))["success"]);

        first.Drop();
        await service.SendTextAsync("other", "4");
        using var second = await RecoverAsync(service, first);

        Assert.Equal<int[]>([3, 4], await NumbersAsync(second, 2));
        Assert.Equal("Duplicate", (string?)(await second.RequestAsync(new { type = "joinGroup", group = "other", ackId = 5 }, Cancel))["error"]!["name"]);
        await service.SendTextAsync("g", new string('x', 100_000));
        Assert.Equal<int[]>([5], await NumbersAsync(second, 1));
    }

    [Fact]
    public async Task A_newer_socket_takes_over_from_one_that_is_still_open()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var first = await service.ConnectJsonAsync(Cancel, "ann", reliable: true, "g");

        using var second = await RecoverAsync(service, first);

        await Assert.ThrowsAnyAsync<Exception>(() => first.ReadAsync(Cancel));
        await service.SendTextAsync("g", "hi");
        Assert.Equal<int[]>([1], await NumbersAsync(second, 1));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task A_wrong_recovery_is_let_in_and_closed_with_1008(bool rightId, bool rightToken)
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var first = await service.ConnectJsonAsync(Cancel, "ann", reliable: true);
        using var other = await service.ConnectJsonAsync(Cancel, "bob", reliable: true);

        using var client = await RecoverAsync(service, rightId ? first.ConnectionId : "nobody", rightToken ? first.ReconnectionToken! : other.ReconnectionToken!);

        Assert.Equal(WebSocketCloseStatus.PolicyViolation, (await client.ReadAsync(Cancel)).Close);
        Assert.True(await service.Client.UserExistsAsync("ann"));
    }

    [Fact]
    public async Task A_client_that_stays_away_is_given_up_once_after_the_window_and_not_before()
    {
        await using var app = await EventHandlerApp.StartAsync(Cancel);
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var service = await ServiceFixture.StartAsync(Cancel, new WebPubSubServerOptions { Port = 0, TimeProvider = time });
        service.Server.SetEventHandlers("chat", new WebPubSubEventHandler(app.Template, "*", WebPubSubSystemEvents.Disconnected));
        using var first = await service.ConnectJsonAsync(Cancel, "ann", reliable: true, "g");
        first.Drop();
        using var second = await RecoverAsync(service, first);
        await service.SendTextAsync("g", "hi");
        Assert.Equal<int[]>([1], await NumbersAsync(second, 1));

        // Still there: a window that began with the first drop must not end it.
        time.Advance(Window * 2);
        Assert.True(await service.Client.UserExistsAsync("ann"));

        second.Drop();
        ReceivedEvent? disconnected = null;
        await Wait.UntilAsync(
            () =>
            {
                // The service notices the drop in its own time; only then does the window begin.
                time.Advance(TimeSpan.FromSeconds(1));
                return Task.FromResult(app.TryNext(out disconnected));
            },
            Cancel);

        Assert.Equal("azure.webpubsub.sys.disconnected", disconnected!.Type);
        Assert.False(await service.Client.UserExistsAsync("ann"));
        Assert.False(await service.Client.GroupExistsAsync("g"));
        using var third = await RecoverAsync(service, first);
        Assert.Equal(WebSocketCloseStatus.PolicyViolation, (await third.ReadAsync(Cancel)).Close);
        await service.Server.StopAsync(Cancel);
        Assert.False(app.TryNext(out _));
    }

    [Fact]
    public async Task A_client_that_says_goodbye_is_gone_at_once()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var client = await service.ConnectJsonAsync(Cancel, "ann", reliable: true);

        await client.CloseAsync(Cancel);

        await Wait.UntilAsync(async () => !await service.Client.UserExistsAsync("ann"), Cancel);
    }

    [Fact]
    public async Task A_client_that_never_acknowledges_is_closed_with_1008_and_cannot_come_back()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var client = await service.ConnectJsonAsync(Cancel, "ann", reliable: true, "g");
        for (var i = 1; i <= 1000; i++)
        {
            await service.SendTextAsync("g", "x");
            Assert.Equal<int[]>([i], await NumbersAsync(client, 1));
        }

        await service.SendTextAsync("g", "one too many");

        var close = await client.ReadAsync(Cancel);
        Assert.Equal((WebSocketCloseStatus.PolicyViolation, "The reliable message buffer is full."), (close.Close, close.CloseText));
        Assert.False(await service.Client.UserExistsAsync("ann"));
        using var second = await RecoverAsync(service, client);
        Assert.Equal(WebSocketCloseStatus.PolicyViolation, (await second.ReadAsync(Cancel)).Close);
    }

    [Fact]
    public async Task A_message_past_its_time_to_live_is_not_delivered()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var service = await ServiceFixture.StartAsync(Cancel, new WebPubSubServerOptions { Port = 0, TimeProvider = time });
        using var first = await service.ConnectJsonAsync(Cancel, "ann", reliable: true, "g");
        first.Drop();
        using var rest = new RestCaller(service.Server);

        Assert.Equal(202, (await rest.SendAsync("POST", "groups/g/:send?messageTtlSeconds=1", "short", "text/plain")).Status);
        Assert.Equal(202, (await rest.SendAsync("POST", "groups/g/:send?messageTtlSeconds=300", "long", "text/plain")).Status);
        Assert.Equal(400, (await rest.SendAsync("POST", "groups/g/:send?messageTtlSeconds=301", "no", "text/plain")).Status);
        time.Advance(TimeSpan.FromSeconds(2));
        using var second = await RecoverAsync(service, first);

        // The first one may have gone out before the drop was seen; it must not come after its time.
        Assert.Equal("long", (string?)(await second.ReadAsync(Cancel)).Json["data"]);
    }

    private static Task<RawClient> RecoverAsync(ServiceFixture service, RawClient client)
        => RecoverAsync(service, client.ConnectionId, client.ReconnectionToken!);

    private static Task<RawClient> RecoverAsync(ServiceFixture service, string connectionId, string token) => RawClient.ConnectAsync(
        new Uri($"ws://localhost:{service.Server.Endpoint.Port}/client/hubs/chat?access_token=expired&awps_connection_id={connectionId}&awps_reconnection_token={token}"),
        Cancel,
        "json.reliable.webpubsub.azure.v1");

    private static async Task<int[]> NumbersAsync(RawClient client, int count)
    {
        var numbers = new int[count];
        for (var i = 0; i < count; i++) numbers[i] = (int)(await client.ReadAsync(Cancel)).Json["sequenceId"]!;
        return numbers;
    }
}
