using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Azure.Core;
using Dequeue.Local.WebPubSub;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Local.Tests.WebPubSub;

public sealed class UpstreamTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_connect_handler_sees_the_handshake_and_its_answer_counts()
    {
        await using var app = await EventHandlerApp.StartAsync(Cancel);
        await using var service = await ServiceFixture.StartAsync(Cancel);
        service.Server.SetEventHandlers("chat", new WebPubSubEventHandler(app.Template, "", WebPubSubSystemEvents.Connect));
        app.Answer = async (_, response) =>
        {
            response.Headers["ce-connectionState"] = "abc";
            await response.WriteAsync("""{"groups":["g2"],"userId":"bob","roles":["webpubsub.sendToGroup.g2"],"subprotocol":"json.webpubsub.azure.v1"}""");
        };

        var url = new Uri(await service.UrlAsync("ann", ["webpubsub.sendToGroup"], ["g1"]) + "&x=1&x=2");
        using var client = await RawClient.ConnectAsync(url, Cancel, "mine", "json.webpubsub.azure.v1");

        Assert.Equal("bob", (string?)(await client.ReadAsync(Cancel)).Json["userId"]);
        Assert.False(await service.Client.GroupExistsAsync("g1"));
        Assert.True(await service.Client.GroupExistsAsync("g2"));
        Assert.Equal("Forbidden", (string?)(await client.RequestAsync(new { type = "sendToGroup", group = "g1", ackId = 1, data = 1 }, Cancel))["error"]!["name"]);

        var connect = await app.NextAsync(Cancel);
        var body = JsonNode.Parse(connect.Text)!;
        Assert.Equal("""["1","2"]""", body["query"]!["x"]!.ToJsonString());
        Assert.Null(body["query"]!["access_token"]);
        Assert.Equal("""["ann"]""", body["claims"]!["sub"]!.ToJsonString());
        Assert.Equal("""["mine","json.webpubsub.azure.v1"]""", body["subprotocols"]!.ToJsonString());
        Assert.Equal("[]", body["clientCertificates"]!.ToJsonString());
        var signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes(WebPubSubServerOptions.DefaultAccessKey), Encoding.UTF8.GetBytes(connect.ConnectionId));
        Assert.Equal($"sha256={Convert.ToHexStringLower(signature)}", connect.Headers["ce-signature"]);
        Assert.Equal("localhost", connect.Headers["WebHook-Request-Origin"]);
    }

    [Theory]
    [InlineData(401, "", HttpStatusCodeOf.Unauthorized)]
    [InlineData(302, "", HttpStatusCodeOf.ServerError)]
    [InlineData(200, "{", HttpStatusCodeOf.ServerError)]
    [InlineData(200, """{"groups":[" "]}""", HttpStatusCodeOf.ServerError)]
    [InlineData(200, """{"subprotocol":"never offered"}""", HttpStatusCodeOf.ServerError)]
    public async Task A_refused_client_gets_the_status_and_nobody_hears_of_it_again(int status, string body, int expected)
    {
        await using var app = await EventHandlerApp.StartAsync(Cancel);
        await using var service = await ServiceFixture.StartAsync(Cancel);
        service.Server.SetEventHandlers("chat", new WebPubSubEventHandler(app.Template));
        app.Answer = async (received, response) =>
        {
            response.StatusCode = status;
            await response.WriteAsync(body);
        };
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;

        await Assert.ThrowsAsync<WebSocketException>(async () => await socket.ConnectAsync(await service.UrlAsync("ann"), Cancel));

        Assert.Equal(expected, (int)socket.HttpStatusCode);
        Assert.False(await service.Client.UserExistsAsync("ann"));
        await service.Server.StopAsync(Cancel);
        Assert.Equal("azure.webpubsub.sys.connect", (await app.NextAsync(Cancel)).Type);
        Assert.False(app.TryNext(out _));
    }

    [Fact]
    public async Task A_handler_that_does_not_allow_the_service_gets_no_event()
    {
        await using var app = await EventHandlerApp.StartAsync(Cancel);
        app.AllowedOrigin = "elsewhere.example";
        await using var service = await ServiceFixture.StartAsync(Cancel);
        service.Server.SetEventHandlers("chat", new WebPubSubEventHandler(app.Template));

        await Assert.ThrowsAsync<WebSocketException>(async () => await RawClient.ConnectAsync(await service.UrlAsync("ann"), Cancel));

        Assert.False(app.TryNext(out _));
        Assert.Single(app.Preflights);
    }

    [Fact]
    public async Task A_stop_closes_clients_with_1001_and_tells_the_handlers()
    {
        await using var app = await EventHandlerApp.StartAsync(Cancel);
        await using var service = await ServiceFixture.StartAsync(Cancel);
        service.Server.SetEventHandlers("chat", new WebPubSubEventHandler(app.Template, "*", WebPubSubSystemEvents.Disconnected));
        using var client = await service.ConnectJsonAsync(Cancel, "ann");

        var stopping = service.Server.StopAsync(Cancel);

        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, (await client.ReadAsync(Cancel)).Close);
        await client.Socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Cancel);
        await stopping;
        Assert.Equal("azure.webpubsub.sys.disconnected", (await app.NextAsync(Cancel)).Type);
        Assert.False(app.TryNext(out _));
    }

    private static class HttpStatusCodeOf
    {
        public const int Unauthorized = 401;
        public const int ServerError = 500;
    }
}
