using System.Net;
using System.Text;
using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.EndToEnd.Tests.Streaming;

public sealed class IntegrityTests(Backend backend)
{
    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(2_300, false)]
    [InlineData(2_300, true)]
    [InlineData(21_000, true)]
    public async Task Complete_carries_the_digest_of_what_was_sent_from_the_beginning_and_from_any_batch(int count, bool gzip)
    {
        var user = backend.NewUser();
        var events = await user.PushHistoryAsync(count);
        await using var stream = await RawStream.OpenAsync(user.StreamUrl, user.Token);

        await stream.SendAsync("""{"type":"sync.stream.request","batchSize":300}""");
        var all = await stream.ReceiveUntilAsync("sync.stream.complete");
        Assert.Equal(Digest(events), all[^1].GetProperty("digest").GetString());

        var since = count == 0 ? "1970-01-01T00:00:00Z" : all[1].GetProperty("checkpoint").GetString();
        await stream.SendAsync($$"""{"type":"sync.stream.request","since":"{{since}}"{{(gzip ? ",\"encodings\":[\"gzip\"]" : "")}}}""");
        var rest = await stream.ReceiveUntilAsync("sync.stream.complete");
        Assert.Equal(Digest(events.Skip(300)), rest[^1].GetProperty("digest").GetString());
    }

    [Theory]
    [InlineData("/v1/sync/digests")]
    [InlineData("/apps/dequeue/sync/digests")]
    public async Task The_digests_of_any_parts_can_be_had(string path)
    {
        var user = backend.NewUser();
        var events = await user.PushHistoryAsync(2_500);
        var pages = new List<(string Checkpoint, int Count)>();
        for (string? since = null; pages.Count == 0 || pages[^1].Count == 700;)
        {
            using var page = await user.PostAsync("/v1/sync/pull", JsonSerializer.Serialize(new { since, limit = 700 }));
            var body = await TestUser.JsonOf(page);
            since = body.GetProperty("nextCheckpoint").GetString()!;
            pages.Add((since, body.GetProperty("events").GetArrayLength()));
        }

        using var answer = await user.PostAsync(path, JsonSerializer.Serialize(new { checkpoints = pages.Select(page => page.Checkpoint) }));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var ranges = (await TestUser.JsonOf(answer)).GetProperty("ranges").EnumerateArray().ToList();
        Assert.Equal([700, 700, 700, 400], ranges.Select(range => range.GetProperty("count").GetInt32()));
        Assert.Equal(pages.Select(page => page.Checkpoint), ranges.Select(range => range.GetProperty("checkpoint").GetString()));
        for (var i = 0; i < ranges.Count; i++) Assert.Equal(Digest(events.Skip(700 * i).Take(700)), ranges[i].GetProperty("digest").GetString());

        using var tail = await user.PostAsync(path, JsonSerializer.Serialize(new { since = pages[2].Checkpoint, checkpoints = new[] { "2999-01-01T00:00:00Z" } }));
        Assert.Equal(400, (await TestUser.JsonOf(tail)).GetProperty("ranges")[0].GetProperty("count").GetInt32());
    }

    [Theory]
    [InlineData("""{"checkpoints":[]}""", "INVALID_REQUEST")]
    [InlineData("""{}""", "INVALID_REQUEST")]
    [InlineData("""[]""", "INVALID_REQUEST")]
    [InlineData("""{"checkpoints":"2026-01-01T00:00:00Z"}""", "INVALID_REQUEST")]
    [InlineData("""{"checkpoints":["\ud800"]}""", "INVALID_CHECKPOINT")]
    [InlineData("""{"checkpoints":["yesterday"]}""", "INVALID_CHECKPOINT")]
    [InlineData("""{"checkpoints":[null]}""", "INVALID_CHECKPOINT")]
    [InlineData("""{"since":5,"checkpoints":["2026-01-01T00:00:00Z"]}""", "INVALID_CHECKPOINT")]
    [InlineData("""{"checkpoints":["2026-01-02T00:00:00Z","2026-01-01T00:00:00Z"]}""", "INVALID_REQUEST")]
    [InlineData("""{"since":"2026-01-01T00:00:00Z","checkpoints":["2026-01-01T00:00:00Z"]}""", "INVALID_REQUEST")]
    [InlineData("""{"checkpoints":["2999-01-01T00:00:00Z"]}""", "INVALID_REQUEST")]
    [InlineData("not json", "INVALID_REQUEST")]
    public async Task A_bad_question_is_refused(string body, string code)
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(1_001);
        using var answer = await user.PostAsync("/v1/sync/digests", body);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal(code, (await TestUser.JsonOf(answer)).GetProperty("code").GetString());
    }

    [Fact]
    public async Task Of_more_than_a_hundred_parts_none_is_answered()
    {
        var checkpoints = Enumerable.Range(0, 101).Select(i => Checkpoint.FromTicks(638_000_000_000_000_000 + i).ToString());
        using var answer = await backend.NewUser().PostAsync("/v1/sync/digests", JsonSerializer.Serialize(new { checkpoints }));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact]
    public async Task Each_part_counts_as_a_call()
    {
        await using var strict = await Backend.StartAsync(new Dictionary<string, string?> { ["Limits:CallsPerSecond"] = "10" });
        var user = strict.NewUser();
        var body = JsonSerializer.Serialize(new { checkpoints = Enumerable.Range(0, 40).Select(i => Checkpoint.FromTicks(638_000_000_000_000_000 + i).ToString()) });

        using var first = await user.PostAsync("/v1/sync/digests", body);
        using var second = await user.PostAsync("/v1/sync/digests", body);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.TooManyRequests), (first.StatusCode, second.StatusCode));
        Assert.NotNull(second.Headers.RetryAfter);
    }

    private static string Digest(IEnumerable<byte[]> events) => EventDigest.Of(events.Select(json => (ReadOnlyMemory<byte>)json));
}
