using System.Net.WebSockets;
using System.Text.Json.Nodes;
using Azure;
using Azure.Core;

namespace Dequeue.WebPubSub.Tests;

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

    [Theory]
    [InlineData("POST", "groups/g/:send?api-version=2020-01-01", "x", "text/plain", 400, "Error.BadRequest")]
    [InlineData("POST", "groups/%20/:send", "x", "text/plain", 400, "Error.BadRequest")]
    [InlineData("POST", ":send", "{", "application/json", 400, "Error.BadRequest")]
    [InlineData("POST", ":send", "", "application/json", 400, "Error.BadRequest")]
    [InlineData("POST", ":send", "1 2", "application/json; charset=utf-8", 400, "Error.BadRequest")]
    [InlineData("POST", ":send", "x", "text/html", 415, "Error.UnsupportedMediaType")]
    [InlineData("POST", ":send", "x", "text/plain; charset=martian", 415, "Error.UnsupportedMediaType")]
    [InlineData("POST", ":send?filter=userId%20eq", "x", "text/plain", 400, "Error.BadRequest")]
    [InlineData("POST", ":addToGroups", "{}", "application/json", 400, "Error.BadRequest")]
    [InlineData("POST", ":addToGroups", """{"groups":["g"],"filter":"x"}""", "application/json", 400, "Error.BadRequest")]
    [InlineData("POST", ":generateToken", null, null, 401, "Error.Unauthorized")]
    [InlineData("POST", "nothing", null, null, 404, "Error.NotFound")]
    [InlineData("GET", "groups/g/connections?maxpagesize=201", null, null, 400, "Error.BadRequest")]
    [InlineData("HEAD", "users/nobody", null, null, 404, "Warning.User.NotExisted")]
    [InlineData("PUT", "permissions/fly/connections/x?targetName=g", null, null, 404, "Error.NotFound")]
    public async Task A_refused_call_says_why_and_changes_nothing(string method, string relative, string? body, string? contentType, int status, string code)
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var ann = await service.ConnectJsonAsync(Cancel, "ann");
        using var rest = new RestCaller(service.Server);

        var answer = await rest.SendAsync(method, relative, body, contentType);

        Assert.Equal((status, code), (answer.Status, answer.ErrorCode));
        if (method != "HEAD") Assert.Equal(code, (string?)JsonNode.Parse(answer.Body)!["code"]);
        Assert.False(await service.Client.GroupExistsAsync("g"));
        await service.Client.SendToUserAsync("ann", RequestContent.Create("first"), ContentType.TextPlain);
        Assert.Equal("first", (string?)(await ann.ReadAsync(Cancel)).Json["data"]);
    }

    [Fact]
    public async Task A_body_has_at_most_one_MiB_with_or_without_its_length()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var ann = await RawClient.ConnectAsync(await service.UrlAsync("ann"), Cancel);
        using var rest = new RestCaller(service.Server);
        var longest = new byte[1024 * 1024];
        longest.AsSpan().Fill((byte)'x');
        byte[] tooLong = [.. longest, 0];

        Assert.Equal(202, (await rest.SendAsync("POST", ":send", new ByteArrayContent(longest), "text/plain")).Status);
        Assert.Equal(202, (await rest.SendAsync("POST", ":send", new StreamContent(new Unsized(longest)), "text/plain")).Status);
        Assert.Equal(400, (await rest.SendAsync("POST", ":send", new ByteArrayContent(tooLong), "text/plain")).Status);
        Assert.Equal(400, (await rest.SendAsync("POST", ":send", new StreamContent(new Unsized(tooLong)), "text/plain")).Status);
        Assert.Equal(202, (await rest.SendAsync("POST", ":send", new ByteArrayContent([0xe9]), "text/plain; charset=iso-8859-1")).Status);

        Assert.Equal(longest, (await ann.ReadAsync(Cancel)).Data);
        Assert.Equal(longest, (await ann.ReadAsync(Cancel)).Data);
        Assert.Equal("é", (await ann.ReadAsync(Cancel)).Text);
    }

    [Fact]
    public async Task The_health_call_needs_no_token_and_unknown_paths_are_404()
    {
        await using var service = await ServiceFixture.StartAsync(Cancel);
        using var http = new HttpClient();

        using var health = await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, new Uri(service.Server.Endpoint, "/api/health")), Cancel);
        using var unknown = await http.GetAsync(new Uri(service.Server.Endpoint, "/clients/mqtt/hubs/chat"), Cancel);

        Assert.Equal((200, 404), ((int)health.StatusCode, (int)unknown.StatusCode));
    }

    /// <summary>A stream that does not know its length, so that it is sent in chunks.</summary>
    private sealed class Unsized(byte[] data) : MemoryStream(data)
    {
        public override bool CanSeek => false;
    }
}
