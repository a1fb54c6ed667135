using System.Text;
using System.Text.Json;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.EndToEnd.Tests.Rest;

public sealed class PushAndPullTests(Backend backend)
{
    private static string Event(string id, string userId = "") =>
        $$"""{"id":"{{id}}","user_id":"{{userId}}","device_id":"d","app_id":"dequeue","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}""";

    [Fact]
    public async Task A_checkpoint_means_the_same_however_it_is_escaped_on_each_way_in()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(5);
        using var plain = await user.PostAsync("/v1/sync/pull", """{"limit":2}""");
        var checkpoint = (await TestUser.JsonOf(plain)).GetProperty("nextCheckpoint").GetString()!;
        var escaped = string.Concat(checkpoint.Select(static c => $"\\u{(int)c:x4}"));
        using var pulled = await user.PostAsync("/v1/sync/pull", $$"""{"s\u0069nce":"{{escaped}}"}""");
        using var digests = await user.PostAsync("/v1/sync/digests", $$"""{"checkpoints":["{{escaped}}"]}""");

        Assert.Equal(3, (await TestUser.JsonOf(pulled)).GetProperty("events").GetArrayLength());
        Assert.Equal(System.Net.HttpStatusCode.OK, digests.StatusCode);
    }

    [Fact]
    public async Task A_repeated_push_is_acknowledged_and_stores_nothing_twice()
    {
        var user = backend.NewUser();
        var body = $$"""{"events":[{{Event("a")}},{{Event("b")}},{{Event("a")}}]}""";
        using var first = await user.PostAsync("/apps/dequeue/sync/push", body);
        using var second = await user.PostAsync("/v1/sync/push", body);

        Assert.Equal(["a", "b", "a"], (await TestUser.JsonOf(second)).GetProperty("acknowledged").EnumerateArray().Select(id => id.GetString()!));
        Assert.Equal(2, (await user.MetaAsync()).GetProperty("eventCount").GetInt64());
    }

    [Fact]
    public async Task Bad_events_are_rejected_by_id_with_a_reason_and_the_others_are_stored()
    {
        var user = backend.NewUser();
        string[] bad =
        [
            """{"user_id":"","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}""",
            Event("has space"),
            Event("foreign", "somebody-else"),
            """{"id":"no-ts","type":"t","payload":{},"payload_version":2}""",
            """{"id":"bad-ts","ts":"yesterday","type":"t","payload":{},"payload_version":2}""",
            """{"id":"no-type","ts":"2026-01-01T00:00:00Z","payload":{},"payload_version":2}""",
            """{"id":"list-payload","ts":"2026-01-01T00:00:00Z","type":"t","payload":[],"payload_version":2}""",
            """{"id":"float-version","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2.5}""",
            """{"id":"null-user","user_id":null,"ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}""",
            """{"id":"twice","id":"twice2","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}""",
            $$$"""{"id":"large","ts":"2026-01-01T00:00:00Z","type":"t","payload":{"x":"{{{new string('x', 66_000)}}}"},"payload_version":2}""",
            $$$"""{"id":"deep","ts":"2026-01-01T00:00:00Z","type":"t","payload":{"x":{{{new string('[', 70)}}}{{{new string(']', 70)}}}},"payload_version":2}""",
        ];
        using var answer = await user.PostAsync("/v1/sync/push", $$"""{"events":[{{string.Join(',', bad)}},{{Event("good")}}]}""");
        var body = await TestUser.JsonOf(answer);

        Assert.Equal(200, (int)answer.StatusCode);
        Assert.Equal(["good"], body.GetProperty("acknowledged").EnumerateArray().Select(id => id.GetString()!));
        Assert.Equal(
            ["", "has space", "foreign", "no-ts", "bad-ts", "no-type", "list-payload", "float-version", "null-user", "twice2", "large", "deep"],
            body.GetProperty("rejected").EnumerateArray().Select(id => id.GetString()!));
        Assert.Equal(bad.Length, body.GetProperty("errors").EnumerateArray().Count(why => why.GetString()!.Length > 0));
        Assert.Equal(1, (await user.MetaAsync()).GetProperty("eventCount").GetInt64());
    }

    [Fact]
    public async Task Pages_of_every_size_give_the_same_events_as_one_page()
    {
        var user = backend.NewUser();
        var pushed = await user.PushHistoryAsync(1_000);
        foreach (var limit in new[] { 1, 7, 100, 999, 5_000 })
        {
            var (since, pulled) = ("1970-01-01T00:00:00Z", new List<string>());
            for (var (more, pages) = (true, 0); more && pages < 20; pages++)
            {
                using var answer = await user.PostAsync("/v1/sync/pull", $$"""{"since":"{{since}}","limit":{{limit}}}""");
                var page = await TestUser.JsonOf(answer);
                pulled.AddRange(page.GetProperty("events").EnumerateArray().Select(json => json.GetRawText()));
                since = page.GetProperty("nextCheckpoint").GetString()!;
                more = page.GetProperty("hasMore").GetBoolean();
            }

            Assert.Equal(pushed.Take(pulled.Count).Select(Encoding.UTF8.GetString), pulled);
            Assert.True(pulled.Count >= Math.Min(1_000, 20 * limit), $"{pulled.Count} events in pages of {limit}");
        }
    }

    [Fact]
    public async Task Limits_out_of_range_are_clamped_and_a_missing_one_is_100()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(1_000);
        await user.PushHistoryAsync(50, seed: 2);

        Assert.Equal(100, await CountAsync(user, "{}"));
        Assert.Equal(1, await CountAsync(user, """{"limit":0}"""));
        Assert.Equal(1, await CountAsync(user, """{"limit":-5}"""));
        Assert.Equal(1_000, await CountAsync(user, """{"limit":100000}"""));
        using var page = await user.GetAsync("/v1/sync/events?limit=3");
        Assert.Equal(3, (await TestUser.JsonOf(page)).GetProperty("events").GetArrayLength());
    }

    [Fact]
    public async Task A_checkpoint_from_the_future_is_brought_back_to_the_head_so_that_nothing_is_missed()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(3);
        using var answer = await user.PostAsync("/v1/sync/pull", """{"since":"2999-01-01T00:00:00Z"}""");
        var next = (await TestUser.JsonOf(answer)).GetProperty("nextCheckpoint").GetString();
        using var push = await user.PostAsync("/v1/sync/push", $$"""{"events":[{{Event("after")}}]}""");
        using var again = await user.PostAsync("/v1/sync/pull", $$"""{"since":"{{next}}"}""");

        Assert.Equal("after", (await TestUser.JsonOf(again)).GetProperty("events")[0].GetProperty("id").GetString());
    }

    [Fact]
    public async Task Meta_tells_count_and_last_event()
    {
        var user = backend.NewUser();
        var empty = await user.MetaAsync();
        using var push = await user.PostAsync("/v1/sync/push", $$"""{"events":[{{Event("m1")}},{{Event("m2")}}]}""");
        var meta = await user.MetaAsync();

        Assert.Equal("""{"eventCount":0,"lastEventTs":null,"lastEventId":null,"lastSyncedAtTs":null}""", empty.GetRawText());
        Assert.Equal(2, meta.GetProperty("eventCount").GetInt64());
        Assert.Equal("m2", meta.GetProperty("lastEventId").GetString());
        Assert.Equal(1_767_225_600_000, meta.GetProperty("lastEventTs").GetInt64());
        Assert.True(meta.GetProperty("lastSyncedAtTs").GetInt64() > 1_767_225_600_000);
    }

    [Fact]
    public async Task Two_apps_of_one_user_are_two_logs()
    {
        var user = backend.NewUser();
        var other = user with { Token = backend.Token(user.Id, "other.app", TimeSpan.FromHours(1)) };
        using var push = await other.PostAsync("/apps/other.app/sync/push", $$"""{"events":[{{Event("o")}}]}""");
        using var pull = await user.PostAsync("/v1/sync/pull", "{}");
        using var pullOther = await other.PostAsync("/apps/other.app/sync/pull", "{}");

        Assert.Equal(0, (await TestUser.JsonOf(pull)).GetProperty("events").GetArrayLength());
        Assert.Equal(1, (await TestUser.JsonOf(pullOther)).GetProperty("events").GetArrayLength());
    }

    private static async Task<int> CountAsync(TestUser user, string body)
    {
        using var answer = await user.PostAsync("/v1/sync/pull", body);
        return (await TestUser.JsonOf(answer)).GetProperty("events").GetArrayLength();
    }
}
