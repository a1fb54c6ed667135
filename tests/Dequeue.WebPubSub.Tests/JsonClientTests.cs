using System.Net.WebSockets;
using System.Text;
using Azure.Core;
using Dequeue.WebPubSub;
using Microsoft.AspNetCore.Http;

namespace Dequeue.WebPubSub.Tests;

public sealed class JsonClientTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_member_gets_what_another_publishes_and_the_publisher_gets_an_ack()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var ann = await service.ConnectJsonAsync(Cancel, "ann");
        using var bob = await service.ConnectJsonAsync(Cancel, "bob", groups: "g");

        var ack = await ann.RequestAsync(new { type = "sendToGroup", group = "g", ackId = ulong.MaxValue, data = new { a = "é\"" } }, Cancel);
        var message = await bob.ReadAsync(Cancel);

        Assert.Equal("""{"type":"ack","ackId":18446744073709551615,"success":true}""", ack.ToJsonString());
        Assert.Equal("""{"type":"message","from":"group","group":"g","fromUserId":"ann","dataType":"json","data":{"a":"\u00E9\u0022"}}""", message.Text);
    }

    [Fact]
    public async Task A_REST_send_reaches_a_JSON_client_in_each_data_type()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var ann = await service.ConnectJsonAsync(Cancel, "ann", groups: "g");

        await service.Client.SendToGroupAsync("g", RequestContent.Create("""{"a":[1.0,2]}"""), ContentType.ApplicationJson);
        await service.Client.SendToUserAsync("ann", RequestContent.Create("a \"quoted\"\n text"), ContentType.TextPlain);
        await service.Client.SendToConnectionAsync(ann.ConnectionId, RequestContent.Create(new byte[] { 1, 2, 3 }), ContentType.ApplicationOctetStream);

        Assert.Equal("""{"type":"message","from":"group","group":"g","dataType":"json","data":{"a":[1.0,2]}}""", (await ann.ReadAsync(Cancel)).Text);
        Assert.Equal("""{"type":"message","from":"server","dataType":"text","data":"a \"quoted\"\n text"}""", (await ann.ReadAsync(Cancel)).Text);
        Assert.Equal("""{"type":"message","from":"server","dataType":"binary","data":"AQID"}""", (await ann.ReadAsync(Cancel)).Text);
    }

    [Fact]
    public async Task A_ping_is_answered_and_UTF8_in_a_binary_frame_is_understood()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var ann = await service.ConnectJsonAsync(Cancel);

        await ann.SendAsync(Encoding.UTF8.GetBytes("""{ "type" : "PING" }"""), Cancel);

        Assert.Equal("""{"type":"pong"}""", (await ann.ReadAsync(Cancel)).Text);
    }

    [Fact]
    public async Task Without_permission_nothing_happens_and_without_an_ack_id_nothing_is_said()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var ann = await RawClient.ConnectJsonAsync(await service.UrlAsync("ann", ["webpubsub.joinLeaveGroups.a.*", "webpubsub.sendToGroup.b"]), Cancel);
        using var bob = await service.ConnectJsonAsync(Cancel, "bob", groups: ["a.x", "b"]);

        Assert.True((bool?)(await ann.RequestAsync(new { type = "joinGroup", group = "a.x", ackId = 1 }, Cancel))["success"]);
        Assert.Equal("Forbidden", (string?)(await ann.RequestAsync(new { type = "joinGroup", group = "a.x.y", ackId = 2 }, Cancel))["error"]!["name"]);
        Assert.Equal("Forbidden", (string?)(await ann.RequestAsync(new { type = "leaveGroup", group = "b", ackId = 2 }, Cancel))["error"]!["name"]);
        await ann.SendAsync(new { type = "sendToGroup", group = "a.x", data = "forbidden" }, Cancel);
        Assert.True((bool?)(await ann.RequestAsync(new { type = "sendToGroup", group = "b", dataType = "text", data = "allowed", ackId = 2 }, Cancel))["success"]);

        Assert.Equal("allowed", (string?)(await bob.ReadAsync(Cancel)).Json["data"]);
        Assert.False(await service.Client.GroupExistsAsync("a.x.y"));
    }

    [Fact]
    public async Task The_answer_of_the_handler_comes_before_the_ack_and_events_go_up_one_at_a_time()
    {
        await using var app = await EventHandlerApp.StartAsync(Cancel);
        await using var service = await ServiceFixture.StartAsync(Cancel);
        service.Server.SetEventHandlers("chat", new WebPubSubEventHandler(app.Template, "first, SECOND", WebPubSubSystemEvents.None));
        var first = new TaskCompletionSource();
        app.Answer = async (received, response) =>
        {
            if (received.Type.EndsWith("first", StringComparison.Ordinal)) await first.Task;
            response.ContentType = "application/json";
            await response.WriteAsync($"[{received.Text}]");
        };
        using var ann = await service.ConnectJsonAsync(Cancel, "ann");

        await ann.SendAsync(new { type = "event", @event = "first", ackId = 1, data = 1 }, Cancel);
        await ann.SendAsync(new { type = "event", @event = "second", ackId = 2, dataType = "json", data = new[] { 2 } }, Cancel);
        await ann.SendAsync(new { type = "event", @event = "third", ackId = 3, data = 3 }, Cancel);
        await ann.SendAsync(new { type = "ping" }, Cancel);

        // Only events wait for the handler.
        Assert.Equal("""{"type":"pong"}""", (await ann.ReadAsync(Cancel)).Text);
        var one = await app.NextAsync(Cancel);
        Assert.Equal(("application/json", "json.webpubsub.azure.v1"), (one.ContentType, one.Headers["ce-subprotocol"]));
        Assert.False(app.TryNext(out _));
        first.SetResult();

        Assert.Equal("""{"type":"message","from":"server","dataType":"json","data":[1]}""", (await ann.ReadAsync(Cancel)).Text);
        Assert.Equal("""{"type":"ack","ackId":1,"success":true}""", (await ann.ReadAsync(Cancel)).Text);
        Assert.Equal("""{"type":"message","from":"server","dataType":"json","data":[[2]]}""", (await ann.ReadAsync(Cancel)).Text);
        Assert.Equal("""{"type":"ack","ackId":2,"success":true}""", (await ann.ReadAsync(Cancel)).Text);
        Assert.Equal("InternalServerError", (string?)(await ann.ReadAsync(Cancel)).Json["error"]!["name"]);
        Assert.Equal("azure.webpubsub.user.second", (await app.NextAsync(Cancel)).Type);
        Assert.Equal("Duplicate", (string?)(await ann.RequestAsync(new { type = "event", @event = "first", ackId = 1, data = 1 }, Cancel))["error"]!["name"]);
        Assert.False(app.TryNext(out _));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"type":"ping"}{}""")]
    [InlineData("""{"type":"ping"} x""")]
    [InlineData("""{"type":"strange"}""")]
    [InlineData("""{"type":1}""")]
    [InlineData("""{"type":"joinGroup"}""")]
    [InlineData("""{"type":"joinGroup","group":" "}""")]
    [InlineData("""{"type":"joinGroup","group":"g","ackId":-1}""")]
    [InlineData("""{"type":"joinGroup","group":"g","ackId":"1"}""")]
    [InlineData("""{"type":"joinGroup","group":"g","ackId":1.5}""")]
    [InlineData("""{"type":"sendToGroup","group":"g"}""")]
    [InlineData("""{"type":"sendToGroup","group":"g","dataType":"text","data":1}""")]
    [InlineData("""{"type":"sendToGroup","group":"g","dataType":"binary","data":"?"}""")]
    [InlineData("""{"type":"sendToGroup","group":"g","dataType":"new","data":"x"}""")]
    [InlineData("""{"type":"event","event":"1x","data":1}""")]
    [InlineData("""{"type":"event","data":1}""")]
    [InlineData("""{"type":"sequenceAck"}""")]
    public async Task What_is_not_of_the_protocol_closes_the_client_with_1007(string text)
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var ann = await service.ConnectJsonAsync(Cancel, "ann");

        await ann.SendAsync(text, Cancel);

        Assert.Equal(WebSocketCloseStatus.InvalidPayloadData, (await ann.ReadAsync(Cancel)).Close);
    }

    [Fact]
    public async Task Deep_nesting_bad_UTF8_and_long_messages_close_the_client()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var deep = await service.ConnectJsonAsync(Cancel);
        using var bad = await service.ConnectJsonAsync(Cancel);
        using var @long = await service.ConnectJsonAsync(Cancel);

        await deep.SendAsync($$"""{"type":"sendToGroup","group":"g","data":{{new string('[', 5000)}}{{new string(']', 5000)}}}""", Cancel);
        await bad.SendAsync([.. """{"type":"sendToGroup","group":"g","data":" """u8, 0xff, .. "\"}"u8], Cancel);
        await @long.SendAsync(new byte[1024 * 1024 + 1], Cancel);

        Assert.Equal(WebSocketCloseStatus.InvalidPayloadData, (await deep.ReadAsync(Cancel)).Close);
        Assert.Equal(WebSocketCloseStatus.InvalidPayloadData, (await bad.ReadAsync(Cancel)).Close);
        Assert.Equal(WebSocketCloseStatus.MessageTooBig, (await @long.ReadAsync(Cancel)).Close);
    }

    [Fact]
    public async Task A_message_of_exactly_one_MiB_passes()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var ann = await service.ConnectJsonAsync(Cancel, "ann", groups: "g");
        var envelope = """{"type":"sendToGroup","group":"g","dataType":"text","data":""}""".Length;
        var text = new string('x', 1024 * 1024 - envelope);

        await ann.SendAsync($$"""{"type":"sendToGroup","group":"g","dataType":"text","data":"{{text}}"}""", Cancel);

        Assert.Equal(text, (string?)(await ann.ReadAsync(Cancel)).Json["data"]);
    }
}
