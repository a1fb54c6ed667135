using System.Net.WebSockets;
using System.Text;
using Azure.Core;
using Dequeue.WebPubSub;

namespace Dequeue.WebPubSub.Tests;

public sealed class SimpleClientTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_simple_client_gets_bare_frames_of_the_kind_that_was_sent()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var client = await RawClient.ConnectAsync(await service.UrlAsync("ann", groups: ["g"]), Cancel);

        await service.Client.SendToGroupAsync("g", RequestContent.Create("""{ "a" : 1.0 }"""), ContentType.ApplicationJson);
        await service.Client.SendToUserAsync("ann", RequestContent.Create("hällo"), ContentType.TextPlain);
        await service.Client.SendToGroupAsync("g", RequestContent.Create(new byte[] { 0, 255 }), ContentType.ApplicationOctetStream);

        var json = await client.ReadAsync(Cancel);
        Assert.Equal((WebSocketMessageType.Text, """{ "a" : 1.0 }"""), (json.Type, json.Text));
        var text = await client.ReadAsync(Cancel);
        Assert.Equal((WebSocketMessageType.Text, "hällo"), (text.Type, text.Text));
        var binary = await client.ReadAsync(Cancel);
        Assert.Equal(WebSocketMessageType.Binary, binary.Type);
        Assert.Equal([0, 255], binary.Data);
    }

    [Fact]
    public async Task A_simple_clients_message_is_the_event_message_and_the_answer_comes_back()
    {
        await using var app = await EventHandlerApp.StartAsync(Cancel);
        await using var service = await ServiceFixture.StartAsync(Cancel);
        service.Server.SetEventHandlers("Chat", new WebPubSubEventHandler(app.Template));
        app.Answer = async (received, response) =>
        {
            if (!received.Type.StartsWith("azure.webpubsub.user.", StringComparison.Ordinal)) return;
            response.ContentType = received.ContentType;
            await response.Body.WriteAsync(received.Body);
        };
        using (var client = await RawClient.ConnectAsync(await service.UrlAsync("zoë"), Cancel))
        {
            await client.SendAsync("hi", Cancel);
            Assert.Equal("hi", (await client.ReadAsync(Cancel)).Text);
            await client.SendAsync(Encoding.UTF8.GetBytes("bin"), Cancel);
            Assert.Equal(WebSocketMessageType.Binary, (await client.ReadAsync(Cancel)).Type);
            await client.CloseAsync(Cancel);
        }

        Assert.Equal("/events/chat/validate localhost 1.0", Assert.Single(app.Preflights));
        var connect = await app.NextAsync(Cancel);
        Assert.Equal("azure.webpubsub.sys.connect", connect.Type);
        Assert.Equal("zoë", connect.UserId);
        var connected = await app.NextAsync(Cancel);
        Assert.Equal("azure.webpubsub.sys.connected", connected.Type);
        var text = await app.NextAsync(Cancel);
        Assert.Equal(("azure.webpubsub.user.message", "text/plain; charset=utf-8", "hi"), (text.Type, text.ContentType, text.Text));
        Assert.Equal("/events/chat/message", text.Headers["path"]);
        var binary = await app.NextAsync(Cancel);
        Assert.Equal(("azure.webpubsub.user.message", "application/octet-stream", "bin"), (binary.Type, binary.ContentType, binary.Text));
        var disconnected = await app.NextAsync(Cancel);
        Assert.Equal("azure.webpubsub.sys.disconnected", disconnected.Type);
        Assert.Equal(["0", "1", "2", "3", "4"], new[] { connect, connected, text, binary, disconnected }.Select(one => one.Headers["ce-id"]));
    }

    [Fact]
    public async Task A_simple_client_whose_event_nobody_takes_is_closed_with_1011()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var client = await RawClient.ConnectAsync(await service.UrlAsync(), Cancel);

        await client.SendAsync("hi", Cancel);

        Assert.Equal(WebSocketCloseStatus.InternalServerError, (await client.ReadAsync(Cancel)).Close);
    }

    [Fact]
    public async Task A_client_that_is_in_can_be_reached_at_once()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        for (var i = 0; i < 100; i++)
        {
            using var client = await RawClient.ConnectAsync(await service.UrlAsync($"user {i}"), Cancel);
            await service.Client.SendToUserAsync($"user {i}", RequestContent.Create("hi"), ContentType.TextPlain);
            Assert.Equal("hi", (await client.ReadAsync(Cancel)).Text);
        }
    }
}
