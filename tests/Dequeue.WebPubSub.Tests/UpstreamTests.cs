using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Azure.Core;
using Dequeue.WebPubSub;
using Microsoft.AspNetCore.Http;

namespace Dequeue.WebPubSub.Tests;

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
        using var log = new LogRecorder();
        await using var service = await ServiceFixture.StartAsync(Cancel, new WebPubSubServerOptions { Port = 0, LoggerFactory = log });
        service.Server.SetEventHandlers("chat", new WebPubSubEventHandler(app.Template));

        await Assert.ThrowsAsync<WebSocketException>(async () => await RawClient.ConnectAsync(await service.UrlAsync("ann"), Cancel));

        Assert.False(app.TryNext(out _));
        Assert.Single(app.Preflights);
        Assert.Contains(log.Lines, line => line.Contains(Address(app), StringComparison.Ordinal) && line.Contains("answered with status 200", StringComparison.Ordinal));
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

    [Fact]
    public async Task A_stop_does_not_wait_for_clients_that_do_not_answer_nor_for_handlers_that_hang()
    {
        await using var app = await EventHandlerApp.StartAsync(Cancel);
        await using var service = await ServiceFixture.StartAsync(Cancel);
        service.Server.SetEventHandlers("chat", new WebPubSubEventHandler(app.Template, "*", WebPubSubSystemEvents.Disconnected));
        var hangs = new TaskCompletionSource();
        app.Answer = (_, _) => hangs.Task;
        using var silent = await service.ConnectJsonAsync(Cancel, "silent");
        await silent.SendAsync(new { type = "event", @event = "e", data = 1 }, Cancel);
        await app.NextAsync(Cancel);

        // Without an end of its own it would take ten minutes for the client, and a hundred seconds for the handler.
        await service.Server.StopAsync(Cancel).WaitAsync(Guard.Time, Cancel);
        await service.Server.StopAsync(Cancel);

        hangs.SetResult();
        Assert.False(app.TryNext(out _));
    }

    [Fact]
    public async Task A_failed_post_is_repeated_after_one_three_and_five_seconds_with_the_same_id()
    {
        await using var app = await EventHandlerApp.StartAsync(Cancel);
        var time = new TimersSeen();
        await using var service = await ServiceFixture.StartAsync(Cancel, new WebPubSubServerOptions { Port = 0, TimeProvider = time });
        service.Server.SetEventHandlers("chat", new WebPubSubEventHandler(app.Template, "*", WebPubSubSystemEvents.None));
        app.Answer = (_, response) =>
        {
            response.StatusCode = 503;
            return Task.CompletedTask;
        };
        using var ann = await service.ConnectJsonAsync(Cancel, "ann");
        await ann.SendAsync(new { type = "event", @event = "e", ackId = 1, data = 1 }, Cancel);

        using var guard = Wait.AtMost(Cancel);
        var attempts = new List<ReceivedEvent> { await app.NextAsync(Cancel) };
        foreach (var wait in new[] { 1, 3, 5 }.Select(seconds => TimeSpan.FromSeconds(seconds)))
        {
            await time.BegunAsync(wait, guard.Token);
            time.Advance(wait);
            attempts.Add(await app.NextAsync(Cancel));
        }

        var ack = (await ann.ReadAsync(Cancel)).Json;
        Assert.Equal("InternalServerError", (string?)ack["error"]!["name"]);
        Assert.Single(attempts.Select(attempt => attempt.Headers["ce-id"]).Distinct());
        Assert.Single(attempts.Select(attempt => attempt.Headers["x-ms-client-request-id"]).Distinct());
        Assert.False(app.TryNext(out _));
    }

    [Theory]
    [InlineData(429)]
    [InlineData(404)]
    public async Task Other_refusals_are_not_repeated(int status)
    {
        await using var app = await EventHandlerApp.StartAsync(Cancel);
        await using var service = await ServiceFixture.StartAsync(Cancel);
        service.Server.SetEventHandlers("chat", new WebPubSubEventHandler(app.Template, "*", WebPubSubSystemEvents.None));
        app.Answer = (_, response) =>
        {
            response.StatusCode = status;
            return Task.CompletedTask;
        };
        using var ann = await service.ConnectJsonAsync(Cancel, "ann");

        var ack = await ann.RequestAsync(new { type = "event", @event = "e", ackId = 1, data = 1 }, Cancel);

        Assert.Equal("InternalServerError", (string?)ack["error"]!["name"]);
        Assert.True(app.TryNext(out _));
        Assert.False(app.TryNext(out _));
    }

    [Fact]
    public async Task State_goes_along_events_and_an_answer_of_an_unknown_type_is_a_failure()
    {
        await using var app = await EventHandlerApp.StartAsync(Cancel);
        await using var service = await ServiceFixture.StartAsync(Cancel);
        service.Server.SetEventHandlers("chat", new WebPubSubEventHandler(app.Template, "*", WebPubSubSystemEvents.Disconnected));
        app.Answer = async (received, response) =>
        {
            response.Headers["ce-connectionState"] = "after " + received.Text;
            if (received.Text != "2") return;
            response.ContentType = "text/html";
            await response.WriteAsync("<p>");
        };
        using var ann = await service.ConnectJsonAsync(Cancel, "ann");

        Assert.True((bool?)(await ann.RequestAsync(new { type = "event", @event = "e", ackId = 1, data = 1 }, Cancel))["success"]);
        Assert.False((bool?)(await ann.RequestAsync(new { type = "event", @event = "e", ackId = 2, data = 2 }, Cancel))["success"]);
        await service.Client.CloseConnectionAsync(ann.ConnectionId, "enough");

        Assert.False((await app.NextAsync(Cancel)).Headers.ContainsKey("ce-connectionState"));
        Assert.Equal("after 1", (await app.NextAsync(Cancel)).Headers["ce-connectionState"]);
        var disconnected = await app.NextAsync(Cancel);
        Assert.Equal("after 2", disconnected.Headers["ce-connectionState"]);
        Assert.Equal("""{"reason":"Application server closed the connection. Reason: enough"}""", disconnected.Text);
    }

    [Fact]
    public async Task The_first_handler_that_matches_gets_the_event_and_handlers_may_change()
    {
        await using var one = await EventHandlerApp.StartAsync(Cancel);
        await using var other = await EventHandlerApp.StartAsync(Cancel);
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var ann = await service.ConnectJsonAsync(Cancel, "ann");
        service.Server.SetEventHandlers(
            "chat",
            new WebPubSubEventHandler(one.Template, "a,b", WebPubSubSystemEvents.None),
            new WebPubSubEventHandler(other.Template, "*", WebPubSubSystemEvents.None));

        await ann.RequestAsync(new { type = "event", @event = "B", ackId = 1, data = 1 }, Cancel);
        await ann.RequestAsync(new { type = "event", @event = "c", ackId = 2, data = 2 }, Cancel);
        service.Server.SetEventHandlers("CHAT");
        Assert.False((bool?)(await ann.RequestAsync(new { type = "event", @event = "b", ackId = 3, data = 3 }, Cancel))["success"]);

        Assert.Equal("1", (await one.NextAsync(Cancel)).Text);
        Assert.Equal("2", (await other.NextAsync(Cancel)).Text);
        Assert.False(one.TryNext(out _) || other.TryNext(out _));
    }

    [Fact]
    public async Task No_token_and_no_query_is_ever_logged()
    {
        using var log = new LogRecorder();
        await using var app = await EventHandlerApp.StartAsync(Cancel);
        await using var service = await ServiceFixture.StartAsync(Cancel, new WebPubSubServerOptions { Port = 0, LoggerFactory = log });
        service.Server.SetEventHandlers("chat", new WebPubSubEventHandler(app.Template + "?code=secret", "*", WebPubSubSystemEvents.None));
        app.Answer = (_, response) =>
        {
            response.StatusCode = 400;
            return Task.CompletedTask;
        };
        var url = await service.UrlAsync("ann");
        using (var ann = await RawClient.ConnectJsonAsync(url, Cancel))
        {
            await ann.RequestAsync(new { type = "event", @event = "e", ackId = 1, data = "payload" }, Cancel);
        }

        await service.Server.StopAsync(Cancel);
        Assert.Contains(log.Lines, line => line.Contains("event 'e'", StringComparison.Ordinal));
        Assert.Contains(log.Lines, line => line.Contains(Address(app), StringComparison.Ordinal) && line.Contains("answered 'e'", StringComparison.Ordinal)
            && line.Contains("status 400", StringComparison.Ordinal));
        foreach (var secret in new[] { "access_token", url.Query[20..60], "secret", "payload", WebPubSubServerOptions.DefaultAccessKey })
        {
            Assert.DoesNotContain(log.Lines, line => line.Contains(secret, StringComparison.Ordinal));
        }
    }

    private static string Address(EventHandlerApp app) => app.Template[..app.Template.IndexOf('{', StringComparison.Ordinal)];

    private static class HttpStatusCodeOf
    {
        public const int Unauthorized = 401;
        public const int ServerError = 500;
    }
}
