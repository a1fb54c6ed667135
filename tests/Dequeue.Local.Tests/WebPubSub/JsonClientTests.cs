using System.Text.Json.Nodes;
using Azure.Core;

namespace Dequeue.Local.Tests.WebPubSub;

public sealed class JsonClientTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_member_gets_what_another_publishes_and_the_publisher_gets_an_ack()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var ann = await service.ConnectJsonAsync(Cancel, "ann");
        using var bob = await service.ConnectJsonAsync(Cancel, "bob", groups: "g");

        var ack = await ann.RequestAsync(new { type = "sendToGroup", group = "g", ackId = 1, data = new { a = "é\"" } }, Cancel);
        var message = (await bob.ReadAsync(Cancel)).Json;

        Assert.True((bool?)ack["success"]);
        Assert.Equal("""{"type":"message","from":"group","group":"g","fromUserId":"ann","dataType":"json","data":{"a":"\u00E9\u0022"}}""", message.ToJsonString());
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
}
