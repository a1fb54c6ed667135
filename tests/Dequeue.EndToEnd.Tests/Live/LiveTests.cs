using System.Net;
using System.Net.WebSockets;
using System.Text;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.Streaming;

namespace Dequeue.EndToEnd.Tests.Live;

/// <summary>The shipped app's live socket: <c>GET /apps/{appId}/ws?token=…</c>.</summary>
public sealed class LiveTests(Backend backend)
{
    private static string Event(string id) =>
        $$"""{"id":"{{id}}","user_id":"","device_id":"d","app_id":"dequeue","ts":"2026-01-01T00:00:00Z","type":"t","payload":{"n":1.0},"payload_version":2}""";

    [Fact]
    public async Task A_push_of_one_device_reaches_the_others_as_bare_events_once_and_in_order()
    {
        var user = backend.NewUser();
        await using var live = await RawStream.OpenAsync(LiveUrl(user));
        var ids = Enumerable.Range(0, 20).Select(i => $"live-{i:00}").ToList();
        using var first = await user.PostAsync("/v1/sync/push", $$"""{"events":[{{string.Join(',', ids.Take(10).Select(Event))}}]}""");
        using var second = await user.PostAsync("/v1/sync/push", $$"""{"events":[{{string.Join(',', ids.Select(Event))}}]}""");

        var received = new List<string>();
        while (received.Count < ids.Count)
        {
            var (kind, message) = await live.ReceiveAsync();
            Assert.NotEqual(WebSocketMessageType.Close, kind);
            Assert.Equal("1.0", message.GetProperty("payload").GetProperty("n").GetRawText());
            Assert.Equal(user.Id.Value, message.GetProperty("user_id").GetString());
            received.Add(message.GetProperty("id").GetString()!);
        }

        Assert.Equal(ids, received);
    }

    [Fact]
    public async Task Events_sent_over_the_live_socket_are_stored_and_answered_as_a_push()
    {
        var user = backend.NewUser();
        await using var sender = await RawStream.OpenAsync(LiveUrl(user));
        await using var other = await RawStream.OpenAsync(LiveUrl(user));
        await sender.SendAsync($$"""{"events":[{{Event("sent-1")}},{"id":"bad"}]}""", asText: true);

        var (_, seen) = await other.ReceiveAsync();
        var answer = (await sender.ReceiveAsync()).Message;
        if (!answer.TryGetProperty("acknowledged", out _)) answer = (await sender.ReceiveAsync()).Message;

        Assert.Equal("sent-1", seen.GetProperty("id").GetString());
        Assert.Equal("sent-1", answer.GetProperty("acknowledged")[0].GetString());
        Assert.Equal("bad", answer.GetProperty("rejected")[0].GetString());
        Assert.Equal(1, (await user.MetaAsync()).GetProperty("eventCount").GetInt64());
    }

    [Fact]
    public async Task Another_users_events_are_never_seen()
    {
        var (user, stranger) = (backend.NewUser(), backend.NewUser());
        await using var live = await RawStream.OpenAsync(LiveUrl(user));
        using var foreign = await stranger.PostAsync("/v1/sync/push", $$"""{"events":[{{Event("foreign")}}]}""");
        using var own = await user.PostAsync("/v1/sync/push", $$"""{"events":[{{Event("own")}}]}""");

        Assert.Equal("own", (await live.ReceiveAsync()).Message.GetProperty("id").GetString());
    }

    [Theory]
    [InlineData("/apps/dequeue/ws?token=wrong", "401")]
    [InlineData("/apps/dequeue/ws", "401")]
    [InlineData("/apps/other.app/ws?token=TOKEN", "403")]
    public async Task A_wrong_token_or_app_is_refused_at_the_upgrade(string path, string status)
    {
        var user = backend.NewUser();
        var url = new Uri(backend.Address, path.Replace("TOKEN", user.Token, StringComparison.Ordinal));
        var refused = await Assert.ThrowsAsync<WebSocketException>(() => RawStream.OpenAsync(new UriBuilder(url) { Scheme = "ws" }.Uri));
        Assert.Contains(status, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_an_upgrade_the_answer_says_how_to_negotiate()
    {
        using var answer = await backend.NewUser().GetAsync("/apps/dequeue/ws");
        Assert.Equal(HttpStatusCode.UpgradeRequired, answer.StatusCode);
        Assert.Contains("/sync/live/negotiate", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private Uri LiveUrl(TestUser user) => new UriBuilder(new Uri(backend.Address, $"/apps/dequeue/ws?token={user.Token}")) { Scheme = "ws" }.Uri;
}
