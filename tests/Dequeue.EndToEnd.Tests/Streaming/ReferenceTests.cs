using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Dequeue.Contracts.Events;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.Tests.Shared;

namespace Dequeue.EndToEnd.Tests.Streaming;

/// <summary>Large histories by reference, as any client sees them: a WebSocket, and plain GETs.</summary>
public sealed class ReferenceTests(Azurite azurite)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", false)]
    [InlineData(""","encodings":["gzip"]""", false)]
    [InlineData("", true)]
    [InlineData(""","encodings":["gzip"],"window":2""", true)]
    public async Task References_and_events_together_are_the_history_to_the_byte(string options, bool onTables)
    {
        await using var backend = await StartAsync(await BlobsAsync(), storage: onTables ? await azurite.ConnectionStringAsync() : null);
        var user = backend.NewUser();
        var pushed = await user.PushHistoryAsync(3_300);

        var history = await FetchAsync(user, options);

        Assert.Equal(pushed.Select(Encoding.UTF8.GetString), history.Events);
        Assert.Contains(history.References, count => count >= 3);
        Assert.Equal(0, history.References[^1]);
    }

    [Fact]
    public async Task A_long_history_comes_in_batches_of_sixteen_pages_from_durable_steps()
    {
        await using var backend = await StartAsync(await BlobsAsync());
        var user = backend.NewUser();
        var pushed = await user.PushHistoryAsync(35_000);

        var history = await FetchAsync(user, ""","encodings":["gzip"]""");
        var again = await FetchAsync(user, "");

        Assert.Equal(pushed.Select(Encoding.UTF8.GetString), history.Events);
        Assert.Equal(history.Events, again.Events);
        Assert.Equal([16, 16], history.References.Take(2));
    }

    [Fact]
    public async Task A_client_in_the_middle_of_a_page_gets_the_parts_at_both_ends_inline()
    {
        await using var backend = await StartAsync(await BlobsAsync());
        var user = backend.NewUser();
        var pushed = await user.PushHistoryAsync(4_200);
        var since = await CheckpointAfterAsync(user, 500);

        var history = await FetchAsync(user, $",\"since\":\"{since}\"");

        Assert.Equal(pushed.Skip(500).Select(Encoding.UTF8.GetString), history.Events);
        Assert.Equal(0, history.References[0]);
        Assert.True(history.References[1] >= 3);
        Assert.Equal(0, history.References[^1]);
    }

    [Theory]
    [InlineData(null, "")]
    [InlineData("0.5", "")]
    [InlineData("0.5", ""","encodings":["gzip"]""")]
    public async Task The_size_of_what_is_new_decides(string? megabytes, string options)
    {
        await using var backend = await StartAsync(await BlobsAsync(), megabytes);
        var user = backend.NewUser();
        await user.PushHistoryAsync(2_000);
        var late = await CheckpointAfterAsync(user, 1_900);

        Assert.Equal(megabytes is not null, (await FetchAsync(user, options)).References.Any(count => count > 0));
        Assert.DoesNotContain((await FetchAsync(user, $"{options},\"since\":\"{late}\"")).References, count => count > 0);
    }

    [Fact]
    public async Task A_client_that_does_not_ask_gets_none()
    {
        await using var backend = await StartAsync(await BlobsAsync());
        var user = backend.NewUser();
        var pushed = await user.PushHistoryAsync(2_000);

        foreach (var request in new[] { """{"type":"sync.stream.request"}""", """{"type":"sync.stream.request","references":false}""" })
        {
            var history = await FetchAsync(user, "", request);
            Assert.Equal(pushed.Select(Encoding.UTF8.GetString), history.Events);
            Assert.All(history.References, count => Assert.Equal(0, count));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","encodings":["gzip"]""")]
    public async Task No_page_is_larger_than_the_batches_that_were_asked_for(string options)
    {
        await using var backend = await StartAsync(await BlobsAsync());
        var user = backend.NewUser();
        var pushed = await user.PushHistoryAsync(2_100);

        var history = await FetchAsync(user, options + ",\"batchSize\":300");

        Assert.Equal(pushed.Select(Encoding.UTF8.GetString), history.Events);
        Assert.All(history.References, count => Assert.Equal(0, count));
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","encodings":["gzip"]""")]
    public async Task Without_the_blob_storage_everything_comes_inline(string options)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var nobody = $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/devstoreaccount1";
        listener.Stop();
        await using var backend = await StartAsync(nobody);
        var user = backend.NewUser();
        var pushed = await user.PushHistoryAsync(3_300);

        var history = await FetchAsync(user, options);

        Assert.Equal(pushed.Select(Encoding.UTF8.GetString), history.Events);
        Assert.All(history.References, count => Assert.Equal(0, count));
    }

    [Fact]
    public async Task Erasing_a_user_takes_the_pages_away_and_leaves_those_of_others()
    {
        var blobs = await BlobsAsync();
        await using var backend = await StartAsync(blobs);
        TestUser[] users = [backend.NewUser(), backend.NewUser()];
        var urls = new List<Uri>();
        foreach (var user in users)
        {
            await user.PushHistoryAsync(1_200);
            urls.Add(Assert.Single((await FetchAsync(user, "")).Urls));
        }

        var (code, output, errors) = await ChildProcess.RunAsync("erase", "--user", users[0].Id.Value, "--data", backend.Folder, "--references-storage", blobs, "--yes");

        Assert.True(code == 0, errors);
        Assert.Contains("1 page erased", output, StringComparison.Ordinal);
        Assert.Equal([HttpStatusCode.NotFound, HttpStatusCode.OK], new[] { await StatusAsync(urls[0]), await StatusAsync(urls[1]) });

        async Task<HttpStatusCode> StatusAsync(Uri url)
        {
            using var answer = await backend.Http.GetAsync(url, Stop);
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task The_page_may_fetch_what_streams_refer_to()
    {
        var blobs = await BlobsAsync();
        await using var backend = await StartAsync(blobs);
        using var answer = await backend.Http.GetAsync(new Uri("/", UriKind.Relative), Stop);
        var origin = new Uri(blobs.Split("BlobEndpoint=")[1].TrimEnd(';')).GetLeftPart(UriPartial.Authority);
        Assert.Contains($" {origin};", answer.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
    }

    private static Task<Backend> StartAsync(string blobs, string? megabytes = "0", string? storage = null)
        => Backend.StartAsync(
            new Dictionary<string, string?> { ["References:Storage"] = blobs, ["References:FromMegabytes"] = megabytes, ["Limits:CallsPerSecond"] = "2000" }, storage);

    /// <summary>The checkpoint after so many events.</summary>
    private static async Task<string> CheckpointAfterAsync(TestUser user, int events)
    {
        var checkpoint = "";
        foreach (var page in Enumerable.Range(0, events).Chunk(1000))
        {
            using var answer = await user.GetAsync(string.Create(CultureInfo.InvariantCulture, $"/v1/sync/events?limit={page.Length}&since={checkpoint}"));
            checkpoint = (await TestUser.JsonOf(answer)).GetProperty("nextCheckpoint").GetString();
        }

        return checkpoint!;
    }

    private async Task<string> BlobsAsync()
    {
        try
        {
            return await azurite.BlobConnectionStringAsync();
        }
        catch (NodeUnavailableException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
    }

    /// <summary>Runs a stream, fetches what it refers to, and checks everything that it says of itself.</summary>
    private static async Task<History> FetchAsync(TestUser user, string options, string? request = null)
    {
        await using var stream = await RawStream.OpenAsync(user.StreamUrl, user.Token);
        await stream.SendAsync(request ?? $$"""{"type":"sync.stream.request","references":true{{options}}}""");
        var start = (await stream.ReceiveAsync()).Message;
        var history = new History([], [], [], []);
        for (var next = 0; ; next++)
        {
            var message = (await stream.ReceiveAsync()).Message;
            if (RawStream.TypeOf(message) == "sync.stream.complete")
            {
                Assert.Equal(start.GetProperty("totalEvents").GetInt64(), message.GetProperty("processedEvents").GetInt64());
                Assert.Equal(start.GetProperty("totalEvents").GetInt64(), history.Events.Count);
                using var digest = new EventDigest();
                foreach (var e in history.Events) digest.Append(Encoding.UTF8.GetBytes(e));
                Assert.Equal(digest.ToString(), message.GetProperty("digest").GetString());
                Assert.All(history.Pages, page => Assert.Equal(history.Events.ElementAtOrDefault(page.End), page.Next));
                return history;
            }

            Assert.Equal("sync.stream.batch", RawStream.TypeOf(message));
            Assert.Equal(next, message.GetProperty("batchIndex").GetInt32());
            await TakeAsync(user, message, history);
            Assert.Equal(history.Events.Count == start.GetProperty("totalEvents").GetInt64(), message.GetProperty("isLast").GetBoolean());
            if (options.Contains("window", StringComparison.Ordinal))
                await stream.SendAsync($$"""{"type":"sync.stream.ack","batchIndex":{{next}}}""");
        }
    }

    private static async Task TakeAsync(TestUser user, JsonElement batch, History history)
    {
        var references = batch.TryGetProperty("references", out var list) ? list.EnumerateArray().ToList() : [];
        history.References.Add(references.Count);
        history.Events.AddRange(batch.GetProperty("events").EnumerateArray().Select(e => e.GetRawText()));
        if (references.Count == 0) return;

        Assert.InRange(references.Count, 1, 16);
        Assert.Equal(0, batch.GetProperty("events").GetArrayLength());
        foreach (var reference in references)
        {
            var url = new Uri(reference.GetProperty("url").GetString()!);
            history.Urls.Add(url);
            using var http = new HttpClient(new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.GZip });
            var page = JsonDocument.Parse(await http.GetByteArrayAsync(url, Stop)).RootElement.EnumerateArray().Select(e => e.GetRawText()).ToList();
            using var digest = new EventDigest();
            foreach (var e in page) digest.Append(Encoding.UTF8.GetBytes(e));
            Assert.Equal(reference.GetProperty("count").GetInt32(), page.Count);
            Assert.Equal(reference.GetProperty("digest").GetString(), digest.ToString());
            history.Events.AddRange(page);

            // The position after the page is just that.
            using var rest = await user.GetAsync($"/v1/sync/events?limit=1&since={reference.GetProperty("checkpoint").GetString()}");
            history.Pages.Add((history.Events.Count, (await TestUser.JsonOf(rest)).GetProperty("events").EnumerateArray().Select(e => e.GetRawText()).FirstOrDefault()));
        }

        Assert.Equal(references[^1].GetProperty("checkpoint").GetString(), batch.GetProperty("checkpoint").GetString());
    }

    /// <summary>What a stream brought.</summary>
    /// <param name="Events">The events, in order.</param>
    /// <param name="References">The number of references of each batch.</param>
    /// <param name="Urls">What was fetched.</param>
    /// <param name="Pages">Where each fetched page ends in the events, and what REST gives after its checkpoint.</param>
    private sealed record History(List<string> Events, List<int> References, List<Uri> Urls, List<(int End, string? Next)> Pages);
}
