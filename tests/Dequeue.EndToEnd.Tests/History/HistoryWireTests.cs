using System.Net;
using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.Streaming;

namespace Dequeue.EndToEnd.Tests.History;

/// <summary>What a log says of itself on the wire, and what it answers a store that is not of it.</summary>
public sealed class HistoryWireTests(Backend backend)
{
    [Fact]
    public async Task Every_answer_names_the_epoch_once_there_is_a_log()
    {
        var user = backend.NewUser();
        Assert.False((await user.MetaAsync()).TryGetProperty("epoch", out _));
        Assert.False((await PullAsync(user, "{}")).Body.TryGetProperty("epoch", out _));
        await user.PushHistoryAsync(3);

        var epoch = await EpochAsync(user);
        Assert.True(HistoryClaim.IsEpoch(epoch));
        using var negotiated = await user.PostAsync("/v1/sync/stream/negotiate", "");
        Assert.Equal(epoch, (await TestUser.JsonOf(negotiated)).GetProperty("epoch").GetString());
        using var got = await user.GetAsync("/v1/sync/events?limit=1");
        Assert.Equal(epoch, (await TestUser.JsonOf(got)).GetProperty("epoch").GetString());
        await using var stream = await RawStream.OpenAsync(user.StreamUrl, user.Token);
        await stream.SendAsync("""{"type":"sync.stream.request","live":true}""");
        var messages = await stream.ReceiveUntilAsync("sync.stream.complete");
        Assert.Equal(epoch, messages[0].GetProperty("epoch").GetString());
        Assert.Equal(epoch, messages[^1].GetProperty("epoch").GetString());
        using var pushed = await user.PostAsync("/v1/sync/push", """{"events":[{"id":"x","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}]}""");
        Assert.Equal("""{"acknowledged":["x"],"rejected":[],"errors":[]}""", await pushed.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        var (_, live) = await stream.ReceiveAsync();
        Assert.Equal((epoch, 3), (live.GetProperty("epoch").GetString(), live.GetProperty("before").GetInt32()));
        Assert.NotEqual(epoch, await EpochAsync(await WithHistoryAsync(1)));
    }

    [Fact]
    public async Task A_page_without_the_new_fields_is_what_it_was_with_the_epoch_behind_it()
    {
        var user = await WithHistoryAsync(2);
        using var answer = await user.PostAsync("/v1/sync/pull", """{"since":"1970-01-01T00:00:00Z","limit":2}""");
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Matches("""^\{"events":\[\{.*\}\],"nextCheckpoint":"[^"]{28}","hasMore":false,"epoch":"[0-9a-f]{32}"\}$""", text);

        // A checkpoint that no log gave out is answered as ever.
        using var beyond = await user.PostAsync("/v1/sync/pull", """{"since":"9999-01-01T00:00:00Z"}""");
        Assert.Equal(HttpStatusCode.OK, beyond.StatusCode);
    }

    [Fact]
    public async Task A_store_of_this_history_gets_its_page_and_one_of_another_is_told_so()
    {
        var user = await WithHistoryAsync(1_300);
        var epoch = await EpochAsync(user);
        var first = (await PullAsync(user, $$"""{"limit":700,"epoch":"{{epoch}}","position":0}""")).Body;
        Assert.Equal(700, first.GetProperty("position").GetInt64());
        var since = first.GetProperty("nextCheckpoint").GetString();
        var second = (await PullAsync(user, $$"""{"since":"{{since}}","limit":1000,"position":700}""")).Body;
        Assert.Equal((1_300, false), (second.GetProperty("position").GetInt64(), second.GetProperty("hasMore").GetBoolean()));
        var third = (await PullAsync(user, $$"""{"since":"{{second.GetProperty("nextCheckpoint").GetString()}}","epoch":"{{epoch}}"}""")).Body;
        Assert.Equal(1_300, third.GetProperty("position").GetInt64());

        foreach (var claim in new[] { "\"position\":701", "\"position\":699", "\"epoch\":\"another\"", $"\"epoch\":\"{epoch}\",\"position\":1300" })
        {
            var (status, problem) = await PullAsync(user, $$"""{"since":"{{since}}",{{claim}}}""");
            Assert.Equal((HttpStatusCode.Conflict, ErrorCodes.HistoryChanged), (status, problem.GetProperty("code").GetString()));
            Assert.Equal((epoch, 1_300), (problem.GetProperty("epoch").GetString(), problem.GetProperty("eventCount").GetInt32()));
        }

        var (never, _) = await PullAsync(user, $$"""{"since":"9999-01-01T00:00:00Z","epoch":"{{epoch}}"}""");
        Assert.Equal(HttpStatusCode.Conflict, never);
        var (gone, nobody) = await PullAsync(backend.NewUser(), $$"""{"epoch":"{{epoch}}"}""");
        Assert.Equal((HttpStatusCode.Conflict, 0), (gone, nobody.GetProperty("eventCount").GetInt32()));
        Assert.False(nobody.TryGetProperty("epoch", out _));
    }

    [Theory]
    [InlineData("\"epoch\":5")]
    [InlineData("\"epoch\":\"\"")]
    [InlineData("\"epoch\":\"no spaces\"")]
    [InlineData("\"position\":-1")]
    [InlineData("\"position\":\"7\"")]
    [InlineData("\"position\":1.5")]
    public async Task What_is_no_epoch_or_position_is_refused_by_its_rule(string field)
    {
        var user = await WithHistoryAsync(1);
        var (status, problem) = await PullAsync(user, $$"""{{{field}}}""");
        Assert.Equal((HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest), (status, problem.GetProperty("code").GetString()));
        await using var stream = await RawStream.OpenAsync(user.StreamUrl, user.Token);
        await stream.SendAsync($$"""{"type":"sync.stream.request",{{field}}}""");
        var error = (await stream.ReceiveUntilAsync("sync.stream.error"))[^1];
        Assert.Equal(problem.GetProperty("detail").GetString(), error.GetProperty("error").GetString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stream_tells_a_store_of_another_history_and_the_connection_goes_on(bool throughGateway)
    {
        var user = await WithHistoryAsync(40);
        var epoch = await EpochAsync(user);
        await using var stream = throughGateway ? await RawStream.OpenAsync(user.StreamUrl, user.Token) : await RawStream.OpenAsync(await NegotiateAsync(user));
        await stream.SendAsync($$"""{"type":"sync.stream.request","epoch":"{{epoch}}","position":1}""");
        var error = (await stream.ReceiveUntilAsync("sync.stream.error"))[^1];
        Assert.Equal((ErrorCodes.HistoryChanged, epoch, 40), (error.GetProperty("code").GetString(), error.GetProperty("epoch").GetString(), error.GetProperty("eventCount").GetInt32()));

        await stream.SendAsync($$"""{"type":"sync.stream.request","epoch":"{{epoch}}","position":0}""");
        var messages = await stream.ReceiveUntilAsync("sync.stream.complete");
        Assert.Equal((40, 40), (messages[0].GetProperty("totalEvents").GetInt32(), messages[^1].GetProperty("position").GetInt32()));
    }

    [Fact]
    public async Task Events_for_another_log_are_not_stored_and_a_push_that_asks_is_told_the_epoch()
    {
        var user = backend.NewUser();
        const string Event = """{"id":"x","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}""";
        using var stranger = await user.PostAsync("/v1/sync/push", $$"""{"events":[{{Event}}],"epoch":"another"}""");
        Assert.Equal(HttpStatusCode.Conflict, stranger.StatusCode);
        Assert.Equal(0, (await user.MetaAsync()).GetProperty("eventCount").GetInt32());

        using var first = await user.PostAsync("/v1/sync/push", $$"""{"epoch":null,"events":[{{Event}}]}""");
        var epoch = (await TestUser.JsonOf(first)).GetProperty("epoch").GetString();
        Assert.Equal(await EpochAsync(user), epoch);
        using var again = await user.PostAsync("/v1/sync/push", $$"""{"events":[{{Event.Replace("\"x\"", "\"y\"", StringComparison.Ordinal)}}],"epoch":"{{epoch}}"}""");
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        Assert.Equal(2, (await user.MetaAsync()).GetProperty("eventCount").GetInt32());
    }

    [Fact]
    public async Task The_digests_of_stored_pages_are_asked_for_without_knowing_where_they_end()
    {
        var user = await WithHistoryAsync(2_345);
        var (total, since) = (0, "1970-01-01T00:00:00Z");
        while (true)
        {
            using var answer = await user.PostAsync("/v1/sync/digests", $$"""{"since":"{{since}}","pages":2}""");
            var ranges = (await TestUser.JsonOf(answer)).GetProperty("ranges").EnumerateArray().ToList();
            if (ranges.Count == 0) break;
            Assert.InRange(ranges.Count, 1, 2);
            total += ranges.Sum(range => range.GetProperty("count").GetInt32());
            since = ranges[^1].GetProperty("checkpoint").GetString()!;
        }

        Assert.Equal(2_345, total);
        using var both = await user.PostAsync("/v1/sync/digests", $$"""{"pages":2,"checkpoints":["{{since}}"]}""");
        using var none = await user.PostAsync("/v1/sync/digests", """{"pages":"2"}""");
        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.BadRequest), (both.StatusCode, none.StatusCode));
    }

    private async Task<TestUser> WithHistoryAsync(int count)
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(count);
        return user;
    }

    private static async Task<string> EpochAsync(TestUser user) => (await user.MetaAsync()).GetProperty("epoch").GetString()!;

    private static async Task<Uri> NegotiateAsync(TestUser user)
    {
        using var answer = await user.PostAsync("/v1/sync/stream/negotiate", "");
        return new Uri((await TestUser.JsonOf(answer)).GetProperty("url").GetString()!);
    }

    private static async Task<(HttpStatusCode Status, JsonElement Body)> PullAsync(TestUser user, string body)
    {
        using var answer = await user.PostAsync("/v1/sync/pull", body);
        return (answer.StatusCode, await TestUser.JsonOf(answer));
    }
}
