using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.EndToEnd.Tests.Streaming;

public sealed class StreamTests(Backend backend)
{
    private const string Request = """{"type":"sync.stream.request"}""";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_plain_client_that_negotiated_gets_binary_frames_whether_it_asks_in_text_or_binary(bool asText)
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(5);
        await using var stream = await RawStream.OpenAsync(await NegotiateAsync(user));
        await stream.SendAsync(Request, asText);

        var (kind, start) = await stream.ReceiveAsync();
        var rest = await stream.ReceiveUntilAsync("sync.stream.complete");

        Assert.Equal(WebSocketMessageType.Binary, kind);
        Assert.Equal("""{"type":"sync.stream.start","totalEvents":5}""", start.GetRawText());
        Assert.Equal(["sync.stream.batch", "sync.stream.complete"], rest.Select(RawStream.TypeOf));
        Assert.Equal(rest[1].GetProperty("newCheckpoint").GetString(), rest[0].GetProperty("checkpoint").GetString());
    }

    [Theory]
    [InlineData("json.webpubsub.azure.v1")]
    [InlineData("json.reliable.webpubsub.azure.v1")]
    public async Task A_client_of_a_JSON_subprotocol_gets_objects(string subprotocol)
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(1_200);
        await using var stream = await RawStream.OpenAsync(await NegotiateAsync(user), subprotocol: subprotocol);
        await stream.SendAsync("""{"type":"event","event":"sync.stream.request","dataType":"json","data":{"since":null}}""", asText: true);

        var messages = await stream.ReceiveUntilAsync("sync.stream.complete");

        Assert.Equal("system", messages[0].GetProperty("type").GetString());
        Assert.All(messages.Skip(1), message => Assert.Equal("json", message.GetProperty("dataType").GetString()));
        Assert.Equal(1_200, messages.Skip(2).SkipLast(1).Sum(message => message.GetProperty("data").GetProperty("events").GetArrayLength()));
    }

    [Theory]
    [InlineData("not json", "INVALID_REQUEST")]
    [InlineData("[]", "INVALID_REQUEST")]
    [InlineData("""{"type":"sync.stream.stop"}""", "INVALID_REQUEST")]
    [InlineData("""{"since":"2026-01-01T00:00:00Z"}""", "INVALID_REQUEST")]
    [InlineData("""{"type":"sync.stream.request","since":"yesterday"}""", "INVALID_CHECKPOINT")]
    [InlineData("""{"type":"sync.stream.request","since":1}""", "INVALID_CHECKPOINT")]
    public async Task A_bad_request_is_answered_with_an_error_and_a_good_one_may_follow(string request, string code)
    {
        var user = backend.NewUser();
        await using var stream = await RawStream.OpenAsync(user.StreamUrl, user.Token);
        await stream.SendAsync(request);
        var (kind, error) = await stream.ReceiveAsync();
        await stream.SendAsync(Request);
        var after = await stream.ReceiveUntilAsync("sync.stream.complete");

        Assert.Equal(WebSocketMessageType.Binary, kind);
        Assert.Equal("sync.stream.error", error.GetProperty("type").GetString());
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.NotEmpty(error.GetProperty("error").GetString()!);
        Assert.Equal(2, after.Count);
    }

    [Fact]
    public async Task After_complete_a_connection_may_ask_again_from_its_new_checkpoint()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(3);
        await using var stream = await RawStream.OpenAsync(user.StreamUrl, user.Token);
        for (var round = 0; round < 3; round++)
        {
            await stream.SendAsync(Request);
            var messages = await stream.ReceiveUntilAsync("sync.stream.complete");
            Assert.Equal(["sync.stream.start", "sync.stream.batch", "sync.stream.complete"], messages.Select(RawStream.TypeOf));
        }
    }

    [Fact]
    public async Task A_second_request_while_a_long_stream_runs_is_refused_and_the_first_goes_on()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(30_000);
        await using var stream = await RawStream.OpenAsync(user.StreamUrl, user.Token);
        await stream.SendAsync(Request);
        await stream.SendAsync(Request);

        var messages = await stream.ReceiveUntilAsync("sync.stream.complete");

        Assert.Single(messages, message => RawStream.TypeOf(message) == "sync.stream.start");
        Assert.Equal("INVALID_REQUEST", Assert.Single(messages, message => RawStream.TypeOf(message) == "sync.stream.refused").GetProperty("code").GetString());
        Assert.Equal(30_000, messages.Where(message => RawStream.TypeOf(message) == "sync.stream.batch").Sum(batch => batch.GetProperty("events").GetArrayLength()));
    }

    [Fact]
    public async Task No_batch_passes_the_message_limit_however_large_its_events_are()
    {
        var user = backend.NewUser();
        var filler = new string('x', 60_000);
        foreach (var push in Enumerable.Range(0, 3))
        {
            var events = Enumerable.Range(0, 40).Select(i => $$$"""{"id":"big-{{{push}}}-{{{i}}}","user_id":"","ts":"2026-01-01T00:00:00Z","type":"t","payload":{"x":"{{{filler}}}"},"payload_version":2}""");
            using var answer = await user.PostAsync("/v1/sync/push", $$"""{"events":[{{string.Join(',', events)}}]}""");
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        await using var stream = await RawStream.OpenAsync(user.StreamUrl, user.Token);
        await stream.SendAsync(Request);
        var batches = (await stream.ReceiveUntilAsync("sync.stream.complete")).Where(message => RawStream.TypeOf(message) == "sync.stream.batch").ToList();

        Assert.Equal(120, batches.Sum(batch => batch.GetProperty("events").GetArrayLength()));
        Assert.All(batches, batch => Assert.True(batch.GetRawText().Length < 1_000_000));
    }

    [Fact]
    public async Task An_event_that_is_delivered_twice_starts_one_stream()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(10);
        await using var stream = await RawStream.OpenAsync(await NegotiateAsync(user), subprotocol: "json.webpubsub.azure.v1");
        var connection = (await stream.ReceiveAsync()).Message.GetProperty("connectionId").GetString()!;

        var statuses = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => DeliverAsync(user, connection, "77", Sign(connection))));
        var messages = await stream.ReceiveUntilAsync("sync.stream.complete");
        await DeliverAsync(user, connection, "77", Sign(connection));
        await DeliverAsync(user, connection, "78", Sign(connection));
        var second = await stream.ReceiveUntilAsync("sync.stream.complete");

        Assert.All(statuses, status => Assert.Equal(HttpStatusCode.NoContent, status));
        Assert.Equal(["sync.stream.start", "sync.stream.batch", "sync.stream.complete"], messages.Select(RawStream.TypeOf));
        Assert.Equal(["sync.stream.start", "sync.stream.batch", "sync.stream.complete"], second.Select(RawStream.TypeOf));
    }

    [Fact]
    public async Task An_upstream_event_without_a_valid_signature_is_401_and_starts_nothing()
    {
        var user = backend.NewUser();
        await using var stream = await RawStream.OpenAsync(await NegotiateAsync(user), subprotocol: "json.webpubsub.azure.v1");
        var connection = (await stream.ReceiveAsync()).Message.GetProperty("connectionId").GetString()!;

        foreach (var signature in new[] { "", "sha256=", "sha256=00", Sign(connection + "x"), Sign(connection)[..^2] })
            Assert.Equal(HttpStatusCode.Unauthorized, await DeliverAsync(user, connection, "5", signature));
        Assert.Equal(HttpStatusCode.NoContent, await DeliverAsync(user, connection, "5", "sha256=" + new string('0', 64) + "," + Sign(connection)));
        Assert.Equal("sync.stream.start", RawStream.TypeOf((await stream.ReceiveAsync()).Message));
    }

    [Fact]
    public async Task The_service_is_allowed_to_send_events_and_no_other_host_is()
    {
        foreach (var (origin, status) in new[] { ("localhost", HttpStatusCode.OK), ("evil.example", HttpStatusCode.BadRequest), ("", HttpStatusCode.BadRequest) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Options, "/webpubsub/events");
            request.Headers.TryAddWithoutValidation("WebHook-Request-Origin", origin);
            using var answer = await backend.Http.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal(status, answer.StatusCode);
        }
    }

    [Fact]
    public async Task A_forged_connection_to_Web_PubSub_is_refused()
    {
        var url = await NegotiateAsync(backend.NewUser());
        var forged = new UriBuilder(url) { Query = "access_token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkZXF1ZXVlOngifQ.AAAA" }.Uri;
        await Assert.ThrowsAsync<WebSocketException>(() => RawStream.OpenAsync(forged));
    }

    private static async Task<Uri> NegotiateAsync(TestUser user)
    {
        using var answer = await user.PostAsync("/v1/sync/stream/negotiate", "");
        var body = await TestUser.JsonOf(answer);
        Assert.True(body.GetProperty("expiresAt").GetDateTimeOffset() > TimeProvider.System.GetUtcNow());
        return new Uri(body.GetProperty("url").GetString()!);
    }

    private string Sign(string connection)
        => "sha256=" + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(backend.WebPubSubKey), Encoding.UTF8.GetBytes(connection)));

    private async Task<HttpStatusCode> DeliverAsync(TestUser user, string connection, string id, string signature)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/webpubsub/events") { Content = new StringContent(Request, Encoding.UTF8, "application/json") };
        foreach (var (name, value) in new Dictionary<string, string>
        {
            ["ce-type"] = "azure.webpubsub.user.sync.stream.request",
            ["ce-id"] = id,
            ["ce-hub"] = "sync",
            ["ce-connectionId"] = connection,
            ["ce-userId"] = $"dequeue:{user.Id}",
            ["ce-subprotocol"] = "json.webpubsub.azure.v1",
            ["ce-signature"] = signature,
            ["ce-awpsversion"] = "1.0",
        })
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var answer = await backend.Http.SendAsync(request, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }
}
