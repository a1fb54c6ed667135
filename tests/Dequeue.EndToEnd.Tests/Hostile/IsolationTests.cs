using System.Net;
using System.Net.WebSockets;
using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.Streaming;

namespace Dequeue.EndToEnd.Tests.Hostile;

/// <summary>No user reads, hears or writes another's log, whatever their ids look like.</summary>
public sealed class IsolationTests(Backend backend)
{
    [Fact]
    public async Task Each_of_many_odd_users_reads_streams_hears_and_writes_its_own_log_only()
    {
        var users = OddUsers.Distinct.Select((id, i) => (Place: i, User: new TestUser(backend, UserId.Parse(id), backend.Token(UserId.Parse(id), "dequeue", TimeSpan.FromHours(1))))).ToList();
        var live = await Task.WhenAll(users.Select(one => RawStream.OpenAsync(LiveUrl(one.User))));
        try
        {
            await Task.WhenAll(users.Select(async one =>
            {
                using var answer = await one.User.PostAsync("/v1/sync/push", $$"""{"events":[{{Event($"rest-{one.Place}")}}]}""");
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            }));
            await Task.WhenAll(users.Select(one => live[one.Place].SendAsync($$"""{"events":[{{Event($"socket-{one.Place}")}}]}""")));

            // What all wrote is committed before any last event is: whoever hears what is not his has heard it by then.
            var heard = await Task.WhenAll(users.Select(async one => await UntilAsync(live[one.Place], ids => ids.Count == 3)));
            await Task.WhenAll(users.Select(async one => (await one.User.PostAsync("/v1/sync/push", $$"""{"events":[{{Event($"last-{one.Place}")}}]}""")).Dispose()));
            foreach (var one in users)
            {
                var rest = await UntilAsync(live[one.Place], ids => ids[^1].StartsWith("last", StringComparison.Ordinal));
                string[] own = [$"rest-{one.Place}", $"socket-{one.Place}", $"last-{one.Place}"];
                Assert.Equal([$"acknowledged socket-{one.Place}", .. own.Order()], heard[one.Place].Concat(rest).Order(StringComparer.Ordinal));

                using var page = await one.User.GetAsync("/v1/sync/events");
                Assert.Equal(own, (await TestUser.JsonOf(page)).GetProperty("events").EnumerateArray().Select(Id));

                using var negotiated = await one.User.PostAsync("/v1/sync/stream/negotiate", "");
                await using var stream = await RawStream.OpenAsync(new Uri((await TestUser.JsonOf(negotiated)).GetProperty("url").GetString()!));
                await stream.SendAsync("""{"type":"sync.stream.request"}""");
                var batches = (await stream.ReceiveUntilAsync("sync.stream.complete")).Where(message => RawStream.TypeOf(message) == "sync.stream.batch");
                Assert.Equal(own, batches.SelectMany(batch => batch.GetProperty("events").EnumerateArray()).Select(Id));
            }
        }
        finally
        {
            foreach (var socket in live) await socket.DisposeAsync();
        }
    }

    [Theory]
    [MemberData(nameof(OddUsers.BlankEnds), MemberType = typeof(OddUsers))]
    public async Task A_user_with_something_blank_at_an_end_is_refused_by_every_way_in(string id)
    {
        var user = new TestUser(backend, UserId.Parse(id), backend.Token(UserId.Parse(id), "dequeue", TimeSpan.FromHours(1)));
        foreach (var path in new[] { "/v1/sync/push", "/v1/sync/pull", "/v1/sync/stream/negotiate", "/apps/dequeue/sync/live/negotiate" })
        {
            using var answer = await user.PostAsync(path, "{}");
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        }

        Assert.Contains("401", (await Assert.ThrowsAsync<WebSocketException>(() => RawStream.OpenAsync(user.StreamUrl, user.Token))).Message);
        Assert.Contains("401", (await Assert.ThrowsAsync<WebSocketException>(() => RawStream.OpenAsync(LiveUrl(user)))).Message);
    }

    private static string Event(string id) => $$$"""{"id":"{{{id}}}","user_id":"","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}""";

    private static string Id(JsonElement json) => json.GetProperty("id").GetString()!;

    /// <summary>The ids of what comes: of events, and of a push's answer.</summary>
    private static async Task<List<string>> UntilAsync(RawStream socket, Func<List<string>, bool> isEnough)
    {
        var ids = new List<string>();
        while (ids.Count == 0 || !isEnough(ids))
        {
            var (kind, message) = await socket.ReceiveAsync();
            Assert.NotEqual(WebSocketMessageType.Close, kind);
            ids.Add(message.TryGetProperty("acknowledged", out var acknowledged) ? "acknowledged " + acknowledged[0].GetString() : Id(message));
        }

        return ids;
    }

    private Uri LiveUrl(TestUser user) => new UriBuilder(new Uri(backend.Address, $"/apps/dequeue/ws?token={user.Token}")) { Scheme = "ws" }.Uri;
}
