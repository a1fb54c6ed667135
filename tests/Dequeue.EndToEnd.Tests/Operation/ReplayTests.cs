using System.Net;
using System.Security.Cryptography;
using System.Text;
using Dequeue.EndToEnd.Tests.Streaming;

namespace Dequeue.EndToEnd.Tests.Operation;

/// <summary>What an event of Web PubSub does that comes again: by the service's own retry, or from someone who recorded it.</summary>
public sealed class ReplayTests
{
    [Fact]
    public async Task A_push_that_comes_again_is_stored_once()
    {
        await using var host = await OperationHost.StartAsync();
        const string Push = """{"events":[{"id":"e1","user_id":"","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}]}""";
        foreach (var delivery in new[] { "1", "1", "2" }) Assert.Equal(HttpStatusCode.OK, await DeliverAsync(host, "user.message", "gone", delivery, Push));
        using var meta = await host.SendAsync(HttpMethod.Get, "/v1/sync/meta", OperationHost.Token("ada"));
        Assert.Equal(1, (await Hosting.TestUser.JsonOf(meta)).GetProperty("eventCount").GetInt64());
    }

    [Fact]
    public async Task A_request_that_comes_again_before_and_after_its_connection_has_gone_sends_no_event_to_anybody_else()
    {
        await using var host = await OperationHost.StartAsync();
        await host.PushAsync("ada", 3);
        await using var other = await RawStream.OpenAsync(await host.NegotiateAsync("ada"), subprotocol: "json.webpubsub.azure.v1");
        await other.ReceiveAsync();
        foreach (var delivery in new[] { "1", "1" })
            Assert.Equal(HttpStatusCode.NoContent, await DeliverAsync(host, "user.sync.stream.request", "gone", delivery, """{"type":"sync.stream.request"}"""));
        Assert.Equal(HttpStatusCode.NoContent, await DeliverAsync(host, "sys.disconnected", "gone", "2", "{}"));
        Assert.Equal(HttpStatusCode.NoContent, await DeliverAsync(host, "user.sync.stream.request", "gone", "1", """{"type":"sync.stream.request"}"""));

        await other.SendAsync("""{"type":"event","event":"sync.stream.request","dataType":"json","data":{}}""", asText: true);
        Assert.Equal(["sync.stream.start", "sync.stream.batch", "sync.stream.complete"], (await other.ReceiveUntilAsync("sync.stream.complete")).Select(RawStream.TypeOf));
    }

    [Fact]
    public async Task Connect_and_disconnected_that_come_again_change_nothing_for_others()
    {
        await using var host = await OperationHost.StartAsync();
        foreach (var delivery in new[] { "1", "1" })
        {
            Assert.Equal(HttpStatusCode.OK, await DeliverAsync(host, "sys.connect", "gone", delivery, "{}"));
            Assert.Equal(HttpStatusCode.NoContent, await DeliverAsync(host, "sys.disconnected", "gone", delivery, "{}"));
        }

        Assert.DoesNotContain(host.Lines.All, line => line.Id == 301);
    }

    private static async Task<HttpStatusCode> DeliverAsync(OperationHost host, string type, string connection, string id, string body)
    {
        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Hosting.Backend.AccessKey), Encoding.UTF8.GetBytes(connection)));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/webpubsub/events") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        foreach (var (name, value) in new[]
        {
            ("ce-type", "azure.webpubsub." + type), ("ce-id", id), ("ce-hub", "sync"), ("ce-connectionId", connection), ("ce-userId", "dequeue:ada"),
            ("ce-signature", "sha256=" + signature), ("ce-awpsversion", "1.0"),
        })
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var answer = await host.Http.SendAsync(request, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }
}
