using System.Net.WebSockets;
using Azure;
using Azure.Core;

namespace Dequeue.Local.Tests.WebPubSub;

public sealed class RestTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Membership_follows_the_calls_and_group_names_may_hold_anything()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var ann = await service.ConnectJsonAsync(Cancel, "ann");
        const string Group = ":send/g 1?é&%2F";

        Assert.False(await service.Client.GroupExistsAsync(Group));
        await service.Client.AddConnectionToGroupAsync(Group, ann.ConnectionId);
        Assert.True(await service.Client.GroupExistsAsync(Group));
        await service.SendTextAsync(Group, "one");
        await service.Client.RemoveConnectionFromGroupAsync(Group, ann.ConnectionId);
        Assert.False(await service.Client.GroupExistsAsync(Group));
        await service.SendTextAsync(Group, "lost");
        await service.Client.SendToUserAsync("ann", RequestContent.Create("two"), ContentType.TextPlain);

        Assert.Equal((Group, "one"), await ann.ReadAsync(Cancel) is { Json: var first } ? ((string?)first["group"], (string?)first["data"]) : default);
        Assert.Equal("two", (string?)(await ann.ReadAsync(Cancel)).Json["data"]);
    }

    [Fact]
    public async Task A_missing_connection_cannot_join_and_the_code_says_so()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);

        var failure = await Assert.ThrowsAsync<RequestFailedException>(() => service.Client.AddConnectionToGroupAsync("g", "nobody"));

        Assert.Equal((404, "Error.Connection.NotExisted"), (failure.Status, failure.ErrorCode));
        Assert.False(await service.Client.GroupExistsAsync("g"));
    }

    [Fact]
    public async Task A_closed_connection_is_told_why_and_is_gone()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var ann = await service.ConnectJsonAsync(Cancel, "ann", groups: "g");
        Assert.True(await service.Client.ConnectionExistsAsync(ann.ConnectionId));
        Assert.True(await service.Client.UserExistsAsync("ann"));
        Assert.False(await service.Client.UserExistsAsync("Ann"));
        await service.SendTextAsync("g", "last words");

        await service.Client.CloseConnectionAsync(ann.ConnectionId, "too late");

        Assert.False(await service.Client.ConnectionExistsAsync(ann.ConnectionId));
        Assert.False(await service.Client.UserExistsAsync("ann"));
        Assert.False(await service.Client.GroupExistsAsync("g"));
        Assert.Equal("last words", (string?)(await ann.ReadAsync(Cancel)).Json["data"]);
        Assert.Equal(
            """{"type":"system","event":"disconnected","message":"Application server closed the connection. Reason: too late"}""",
            (await ann.ReadAsync(Cancel)).Text);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, (await ann.ReadAsync(Cancel)).Close);
    }
}
