using System.Text;
using System.Text.Json.Nodes;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.Tests.Shared;

namespace Dequeue.EndToEnd.Tests.Documents;

/// <summary>Every message of asyncapi.json is sent and received, with every option, and held against its schema.</summary>
public sealed class MessageTrafficTests(Backend backend)
{
    private static readonly string[] Requests =
    [
        """{"type":"sync.stream.request"}""",
        """{"type":"sync.stream.request","since":null,"encodings":["gzip"],"batchSize":400}""",
        """{"type":"sync.stream.request","window":2,"batchSize":100}""",
        """{"type":"sync.stream.request","priority":{"active":true}}""",
        """{"type":"sync.stream.request","delta":true}""",
        """{"type":"sync.stream.request","references":true}""",
        """
        {"type":"sync.stream.request","since":"1970-01-01T00:00:00Z","encodings":["lzma","gzip"],"window":3,"priority":{"entityIds":["some"],"active":true},
         "delta":true,"references":true,"batchSize":250,"live":true}
        """,
    ];

    [Fact]
    public async Task Every_documented_message_is_exchanged_and_fits_its_schema()
    {
        using var documents = await ServedDocuments.FetchAsync(backend);
        var user = backend.NewUser();
        await user.PushHistoryAsync(1_500);

        foreach (var subprotocol in new[] { null, "json.webpubsub.azure.v1" })
        {
            await using var socket = await RecordedSocket.OpenAsync(documents, await NegotiateAsync(user), subprotocol);
            foreach (var request in Requests) await StreamAsync(socket, request);

            // The last one was live.
            await user.PushHistoryAsync(3, seed: subprotocol is null ? 2 : 3);
            await ReceiveUntilAsync(socket, "sync.stream.live");
        }

        await BeRefusedAsync(documents, user);
        await SpeakOnTheLiveSocketAsync(documents, user);
        var seen = await NodeTools.RunAsync(
            "documents/traffic.mjs", [documents.OpenApiFile, documents.AsyncApiFile, await documents.WriteTrafficAsync()], TestContext.Current.CancellationToken);

        var documented = documents.AsyncApi["components"]!["messages"]!.AsObject().Select(message => message.Key);
        Assert.Equal(documented.Order(StringComparer.Ordinal), seen.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }

    private static async Task<Uri> NegotiateAsync(TestUser user)
    {
        using var answer = await user.PostAsync("/v1/sync/stream/negotiate", "");
        return new Uri((await TestUser.JsonOf(answer)).GetProperty("url").GetString()!);
    }

    /// <summary>Asks, and acknowledges each batch when the request has a window.</summary>
    private static async Task StreamAsync(RecordedSocket socket, string request)
    {
        await socket.SendAsync(JsonNode.Parse(request)!);
        var events = 0;
        for (var message = await socket.ReceiveAsync(); (string?)message["type"] != "sync.stream.complete"; message = await socket.ReceiveAsync())
        {
            if ((string?)message["type"] != "sync.stream.batch") continue;
            events += message["events"]!.AsArray().Count;
            if (request.Contains("window", StringComparison.Ordinal))
                await socket.SendAsync(new JsonObject { ["type"] = "sync.stream.ack", ["batchIndex"] = message["batchIndex"]!.DeepClone() });
        }

        Assert.True(events >= 1_500, $"{events} events for {request}");
    }

    private static async Task BeRefusedAsync(ServedDocuments documents, TestUser user)
    {
        await using var socket = await RecordedSocket.OpenAsync(documents, await NegotiateAsync(user));
        foreach (var mistake in new[] { """{"type":"sync.stream.request","since":"yesterday"}""", """{"type":"sync.stream.request","encodings":"gzip"}""" })
        {
            await socket.SendAsync(JsonNode.Parse(mistake)!, isRecorded: false);
            Assert.Equal("sync.stream.error", (string?)(await socket.ReceiveAsync())["type"]);
        }

        foreach (var mistake in new[] { """{"type":"sync.stream.ack"}""", """{"events":"x"}""" })
        {
            await socket.SendAsync(JsonNode.Parse(mistake)!, isRecorded: false);
            Assert.Equal("sync.stream.refused", (string?)(await socket.ReceiveAsync())["type"]);
        }
    }

    private async Task SpeakOnTheLiveSocketAsync(ServedDocuments documents, TestUser user)
    {
        var url = new UriBuilder(new Uri(backend.Address, $"/apps/dequeue/ws?token={user.Token}")) { Scheme = "ws" }.Uri;
        await using var socket = await RecordedSocket.OpenAsync(documents, url);
        var pushed = user.Generate(2, seed: 4).Select(json => JsonNode.Parse(Encoding.UTF8.GetString(json)));
        await socket.SendAsync(new JsonObject { ["events"] = new JsonArray([.. pushed]) }, name: "push");
        for (var messages = 0; messages < 3; messages++)
            await socket.ReceiveAsync(message => message["acknowledged"] is null ? "event" : "pushed");
    }

    private static async Task ReceiveUntilAsync(RecordedSocket socket, string type)
    {
        while ((string?)(await socket.ReceiveAsync())["type"] != type)
        {
        }
    }
}
