using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Dequeue.Contracts;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.EndToEnd.Tests.Rest;

/// <summary>Every refusal has its status and its code, says what to do, and changes nothing.</summary>
public sealed class BadInputTests(Backend backend)
{
    [Theory]
    [InlineData("/v1/sync/push", "", 400, ErrorCodes.InvalidRequest)]
    [InlineData("/v1/sync/push", "not json", 400, ErrorCodes.InvalidRequest)]
    [InlineData("/v1/sync/push", "[]", 400, ErrorCodes.InvalidRequest)]
    [InlineData("/v1/sync/push", "{}", 400, ErrorCodes.InvalidRequest)]
    [InlineData("/v1/sync/push", """{"events":{}}""", 400, ErrorCodes.InvalidRequest)]
    [InlineData("/v1/sync/push", """{"events":[1]}""", 400, ErrorCodes.InvalidRequest)]
    [InlineData("/v1/sync/push", """{"events":[]} trailing""", 400, ErrorCodes.InvalidRequest)]
    [InlineData("/v1/sync/push", """{"events":[{"id":"x","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2},]}""", 400, ErrorCodes.InvalidRequest)]
    [InlineData("/v1/sync/pull", "not json", 400, ErrorCodes.InvalidRequest)]
    [InlineData("/v1/sync/pull", """{"limit":"many"}""", 400, ErrorCodes.InvalidRequest)]
    [InlineData("/v1/sync/pull", """{"limit":1.5}""", 400, ErrorCodes.InvalidRequest)]
    [InlineData("/v1/sync/pull", """{"compact":"yes"}""", 400, ErrorCodes.InvalidRequest)]
    [InlineData("/v1/sync/pull", """{"compact":{"keep":[""]}}""", 400, ErrorCodes.InvalidRequest)]
    [InlineData("/v1/sync/pull", """{"since":"yesterday"}""", 400, ErrorCodes.InvalidCheckpoint)]
    [InlineData("/v1/sync/pull", """{"since":12}""", 400, ErrorCodes.InvalidCheckpoint)]
    [InlineData("/v1/sync/pull", """{"since":"2026-02-30T00:00:00Z"}""", 400, ErrorCodes.InvalidCheckpoint)]
    [InlineData("/apps/unknown.app/sync/pull", "{}", 403, ErrorCodes.Unauthorized)]
    [InlineData("/apps/other.app/sync/pull", "{}", 403, ErrorCodes.Unauthorized)]
    [InlineData("/apps/a%2Fb/sync/push", "{}", 403, ErrorCodes.Unauthorized)]
    public async Task A_bad_call_is_refused(string path, string body, int status, string code)
    {
        var user = backend.NewUser();
        using var answer = await user.PostAsync(path, body);

        await AssertProblemAsync(answer, status, code);
        Assert.Equal(0, (await user.MetaAsync()).GetProperty("eventCount").GetInt64());
    }

    [Theory]
    [InlineData("/v1/sync/events?since=yesterday", 400, ErrorCodes.InvalidCheckpoint)]
    [InlineData("/v1/sync/events?limit=few", 400, ErrorCodes.InvalidRequest)]
    [InlineData("/v1/sync/events?compact=1", 400, ErrorCodes.InvalidRequest)]
    [InlineData("/v1/sync/stream", 426, ErrorCodes.InvalidRequest)]
    public async Task A_bad_GET_is_refused(string path, int status, string code)
    {
        using var answer = await backend.NewUser().GetAsync(path);
        await AssertProblemAsync(answer, status, code);
    }

    [Fact]
    public async Task A_body_over_4_MB_is_413_whether_its_length_is_announced_or_not()
    {
        var user = backend.NewUser();
        var large = new byte[4 * 1024 * 1024 + 1];
        large.AsSpan().Fill((byte)' ');
        using var announced = await user.SendAsync(HttpMethod.Post, "/v1/sync/push", new ByteArrayContent(large));
        using var chunked = await user.SendAsync(HttpMethod.Post, "/v1/sync/push", new StreamContent(new NonSeekable(large)));

        await AssertProblemAsync(announced, 413, ErrorCodes.InvalidRequest);
        await AssertProblemAsync(chunked, 413, ErrorCodes.InvalidRequest);
    }

    [Fact]
    public async Task More_than_1000_events_and_invalid_UTF8_and_an_encoded_body_store_nothing()
    {
        var user = backend.NewUser();
        using var many = await user.PostAsync("/v1/sync/push", $$"""{"events":[{{string.Join(',', user.Generate(1_001).Select(Encoding.UTF8.GetString))}}]}""");
        using var broken = await user.SendAsync(HttpMethod.Post, "/v1/sync/push", new ByteArrayContent([.. """{"events":[{"id":"x","type":"""u8, 0xFF, .. "\"}]}"u8]));
        using var encoded = new ByteArrayContent([1, 2, 3]) { Headers = { ContentEncoding = { "gzip" } } };
        using var gzipped = await user.SendAsync(HttpMethod.Post, "/v1/sync/push", encoded);

        await AssertProblemAsync(many, 400, ErrorCodes.InvalidRequest);
        await AssertProblemAsync(broken, 400, ErrorCodes.InvalidRequest);
        await AssertProblemAsync(gzipped, 415, ErrorCodes.InvalidRequest);
        Assert.Equal(0, (await user.MetaAsync()).GetProperty("eventCount").GetInt64());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Basic abc")]
    [InlineData("Bearer")]
    [InlineData("Bearer not.a.token")]
    [InlineData("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.")]
    public async Task No_token_or_a_bad_one_is_401(string? authorization)
    {
        foreach (var path in new[] { "/v1/sync/push", "/v1/sync/pull", "/v1/sync/stream/negotiate", "/apps/dequeue/sync/pull" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent("{}") };
            if (authorization is not null) request.Headers.TryAddWithoutValidation("Authorization", authorization);
            using var answer = await backend.Http.SendAsync(request, TestContext.Current.CancellationToken);

            await AssertProblemAsync(answer, 401, ErrorCodes.Unauthorized);
            Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.First().Scheme);
        }
    }

    [Fact]
    public async Task Expired_tokens_and_tokens_of_another_key_are_401()
    {
        var user = backend.NewUser();
        var expired = user with { Token = backend.Token(user.Id, "dequeue", TimeSpan.FromMinutes(-10)) };
        var forged = user with { Token = backend.Token(user.Id, "dequeue", TimeSpan.FromHours(1), Encoding.UTF8.GetBytes(new string('k', 64))) };

        using var first = await expired.GetAsync("/v1/sync/meta");
        using var second = await forged.GetAsync("/v1/sync/meta");

        await AssertProblemAsync(first, 401, ErrorCodes.Unauthorized);
        await AssertProblemAsync(second, 401, ErrorCodes.Unauthorized);
    }

    [Fact]
    public async Task Too_many_calls_are_429_with_Retry_After_and_other_users_are_not_touched()
    {
        await using var strict = await Backend.StartAsync(new Dictionary<string, string?> { ["Limits:CallsPerSecond"] = "1" });
        var user = strict.NewUser();
        var answers = new List<HttpResponseMessage>();
        for (var call = 0; call < 20; call++) answers.Add(await user.GetAsync("/v1/sync/meta"));
        using var other = await strict.NewUser().GetAsync("/v1/sync/meta");

        var refused = Assert.Single(answers.Where(answer => answer.StatusCode == HttpStatusCode.TooManyRequests).Take(1));
        await AssertProblemAsync(refused, 429, ErrorCodes.RateLimited);
        Assert.True(refused.Headers.RetryAfter!.Delta >= TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.OK, answers[0].StatusCode);
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
    }

    [Fact]
    public async Task Health_is_public_and_good()
    {
        using var answer = await backend.Http.GetAsync("/healthz", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    private static async Task AssertProblemAsync(HttpResponseMessage answer, int status, string code)
    {
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = await TestUser.JsonOf(answer);
        Assert.Equal(code, problem.GetProperty("code").GetString());
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        Assert.True(problem.GetProperty("detail").GetString()!.Length > 10);
        Assert.DoesNotContain(" at Dequeue", problem.GetRawText(), StringComparison.Ordinal);
    }

    private sealed class NonSeekable(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();
    }
}
