using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text;
using Dequeue.Client.References;
using Dequeue.Client.Tests.Servers;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Client.Tests.Pulling;

/// <summary>Pages that come by reference: fetched side by side, checked, saved in order, and replaced by REST where they fail.</summary>
public sealed class ReferenceTests
{
    private const int Events = 2000, PageSize = 100;
    private static readonly TokenProvider Tokens = static (_, _) => ValueTask.FromResult(TestServer.Token);
    private readonly RecordingStore _store = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pages_come_beside_the_stream_and_are_saved_in_order()
    {
        await using var server = await ReferringAsync();
        using var sync = new SyncManager(Referring(server), _store, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((SyncTransport.Stream, Events, Events, true), (result.Transport, (int)result.Events, (int)result.Added, result.DigestVerified));
        Assert.Equal(16, server.Calls.Count(static call => call.StartsWith("GET /blobs/", StringComparison.Ordinal)));
        Assert.Equal(server.Digest(), _store.Inner.Digest());
        // Each page with its own checkpoint, each inline batch with its own.
        Assert.Equal(Enumerable.Range(1, 16).Select(static i => TestServer.At(i * 100 - 1)).Append(TestServer.At(1999)).Append(TestServer.At(1999)), _store.Checkpoints);
        Assert.InRange(result.Bytes, 1, server.Log.Sum(static json => json.Length) / 2);
    }

    [Theory]
    [InlineData("refused")]
    [InlineData("gone")]
    [InlineData("redirected")]
    [InlineData("cut")]
    [InlineData("damaged")]
    [InlineData("no array")]
    [InlineData("a bomb")]
    [InlineData("other events")]
    [InlineData("an event less")]
    [InlineData("silent")]
    public async Task A_page_that_fails_comes_by_REST_and_the_stream_goes_on(string how)
    {
        await using var server = await ReferringAsync();
        server.Intercept = async context =>
        {
            if (context.Request.Path != "/blobs/500/600") return false;
            await FailAsync(server, context, how);
            return true;
        };
        using var sync = new SyncManager(
            Referring(server) with { RequestTimeout = TimeSpan.FromSeconds(how == "silent" ? 1 : 30), MaxMessageBytes = 1024 * 1024 }, _store, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((SyncTransport.Stream, null, true, Events), (result.Transport, result.StreamFailure, result.DigestVerified, (int)result.Added));
        Assert.Equal((PageSize, TestServer.At(499)), (server.Paged, server.Asked[^1]));
        Assert.Equal(server.Digest(), _store.Inner.Digest());
    }

    [Theory]
    [InlineData("http://blobs.invalid/x?sig=blob-secret")]
    [InlineData("ftp://127.0.0.1/x?sig=blob-secret")]
    [InlineData("file:///etc/passwd")]
    [InlineData("/blobs/0/100?sig=blob-secret")]
    [InlineData("")]
    public async Task A_page_at_an_address_that_is_not_allowed_is_not_asked_for(string url)
    {
        await using var server = await ReferringAsync(page => page with { Url = url });
        using var handler = new Requests();
        using var http = new HttpClient(handler);
        using var sync = new SyncManager(Referring(server), _store, Tokens, http);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((SyncTransport.Stream, 1600), (result.Transport, server.Paged));
        Assert.DoesNotContain(HttpMethod.Get, handler.Methods);
        Assert.Equal(server.Digest(), _store.Inner.Digest());
    }

    [Fact]
    public async Task A_page_whose_digest_is_a_lie_leaves_the_rest_to_pages()
    {
        await using var server = await ReferringAsync(static page => page.Checkpoint == TestServer.At(599) ? page with { Digest = new string('0', 64) } : page);
        var logs = new LogList<SyncManager>();
        using var sync = new SyncManager(Referring(server), _store, Tokens, logger: logs);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((SyncTransport.Rest, SyncFailureKind.BadAnswer, Events), (result.Transport, result.StreamFailure!.Kind, (int)result.Added));
        Assert.Equal(TestServer.At(499), server.Asked[^2]);
        Assert.Equal(server.Digest(), _store.Inner.Digest());
        Assert.DoesNotContain("secret", string.Join('\n', logs.Entries) + result, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Four_pages_are_fetched_at_once_and_handed_out_in_order()
    {
        var (held, four, started) = (new TaskCompletionSource(), new TaskCompletionSource(), 0);
        PageReference[] all = [.. Enumerable.Range(0, 10).Select(static i => new PageReference($"https://a/{i}", TestServer.At(i), i + 1, ""))];
        var pages = new ReferencedPages(all, async (page, token) =>
        {
            if (Interlocked.Increment(ref started) == 4) four.SetResult();
            if (page.Count > 1) await held.Task.WaitAsync(token);
            return new ReferencedPage([], page.Url, 0, null);
        });

        // The first is done and four more wait: with the one that is processed, five are in memory.
        Assert.Equal("https://a/0", (await pages.NextAsync(Cancelled)).Digest);
        await four.Task.WaitAsync(Guard.Time, Cancelled);
        await pages.DisposeAsync();
        Assert.Equal(5, started);

        held.SetResult();
        await using var again = new ReferencedPages(all, (page, _) => Task.FromResult(new ReferencedPage([], page.Url, 0, null)));
        foreach (var page in all) Assert.Equal(page.Url, (await again.NextAsync(Cancelled)).Digest);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(16)]
    public async Task A_cut_between_pages_keeps_what_is_there(int saves)
    {
        await using var server = await ReferringAsync();
        var (time, memory) = (new CountingTime(), new InMemoryEventStore());
        using (var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancelled))
        using (var sync = new SyncManager(Referring(server), new RecordingStore(memory, saves, stop.Cancel), Tokens, time: time))
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sync.PullAsync(cancellationToken: stop.Token));
        }

        await time.NoTimersAsync();
        await server.NoSocketsAsync();
        Assert.Equal(new StorePosition(TestServer.At(saves * PageSize - 1), saves * PageSize), await memory.LoadAsync(Cancelled));

        server.Script = null;
        using var again = new SyncManager(server.Options, memory, Tokens);
        Assert.Equal(Events - saves * PageSize, (await again.PullAsync(cancellationToken: Cancelled)).Added);
        Assert.Equal(server.Digest(), memory.Digest());
    }

    [Fact]
    public async Task A_wrong_event_beside_pages_by_reference_is_repaired_alone()
    {
        await using var server = await ReferringAsync();
        server.Script = async script =>
        {
            await script.StartAsync();
            await script.SendAsync(script.Referring(0, PageSize));
            await script.SendAsync(script.Without(1, 17));
            await script.CompleteAsync();
        };
        using var sync = new SyncManager(Referring(server), _store, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((400, 400, Events), (server.Paged, (int)result.Repaired, (int)result.Added));
        Assert.Equal(server.Digest(), _store.Inner.Digest());
    }

    [Fact]
    public async Task A_window_counts_a_batch_of_pages_as_one()
    {
        await using var server = await TestServer.StartAsync(1000);
        server.Script = static async script =>
        {
            await script.StartAsync();
            for (var index = 0; index < script.Batches; index++)
            {
                await script.SendAsync(script.Referring(index, 20));
                Assert.Equal(index, await script.AcknowledgedAsync());
            }

            await script.CompleteAsync();
        };
        using var sync = new SyncManager(Referring(server) with { Window = 1 }, _store, Tokens);

        Assert.Equal(SyncTransport.Stream, (await sync.PullAsync(cancellationToken: Cancelled)).Transport);
        Assert.Equal(51, _store.Checkpoints.Count);
    }

    [Fact]
    public void A_client_that_sends_its_own_credentials_everywhere_cannot_follow_references()
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new("Bearer", "x");
        var options = new SyncOptions { Server = new Uri("https://sync.example") };
        using var fine = new SyncManager(options, _store, Tokens, http);
        Assert.Throws<ArgumentException>(() => new SyncManager(options with { References = true }, _store, Tokens, http));
    }

    private static SyncOptions Referring(TestServer server) => server.Options with { References = true };

    // Sixteen pages by reference, then a batch of 400.
    private static async Task<TestServer> ReferringAsync(Func<PageReference, PageReference>? spoil = null)
    {
        var server = await TestServer.StartAsync(Events);
        server.BatchSize = 1600;
        server.Script = async script =>
        {
            Assert.True(script.Request.References);
            await script.StartAsync();
            await script.SendAsync(script.Referring(0, PageSize, spoil));
            await script.BatchAsync(1);
            await script.CompleteAsync();
        };
        return server;
    }

    private sealed class Requests() : DelegatingHandler(new SocketsHttpHandler())
    {
        public ConcurrentBag<HttpMethod> Methods { get; } = [];

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Methods.Add(request.Method);
            return base.SendAsync(request, cancellationToken);
        }
    }

    private static async Task FailAsync(TestServer server, HttpContext context, string how)
    {
        var events = server.Log[500..600];
        switch (how)
        {
            case "refused":
                context.Response.StatusCode = 403;
                return;
            case "gone":
                context.Response.StatusCode = 404;
                return;
            case "redirected":
                context.Response.Redirect("/blobs/500/600?sig=blob-secret&again");
                return;
            case "cut":
                context.Response.ContentLength = 100_000;
                await context.Response.WriteAsync("[");
                await context.Response.Body.FlushAsync();
                context.Abort();
                return;
            case "damaged":
                context.Response.Headers.ContentEncoding = "gzip";
                await context.Response.WriteAsync("[");
                return;
            case "no array":
                await context.Response.WriteAsync($$"""{"events":[{{Encoding.UTF8.GetString(TestServer.Join(events))}}]}""");
                return;
            case "a bomb":
                context.Response.Headers.ContentEncoding = "gzip";
                await using (var bomb = new GZipStream(context.Response.Body, CompressionLevel.Fastest))
                {
                    var blanks = Enumerable.Repeat((byte)' ', 64 * 1024).ToArray();
                    for (var i = 0; i < 200; i++) await bomb.WriteAsync(blanks, context.RequestAborted);
                }

                return;
            case "other events":
                (events[3], events[4]) = (events[4], events[3]);
                break;
            case "an event less":
                events.RemoveAt(7);
                break;
            default:
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(static _ => { }, TaskScheduler.Default);
                return;
        }

        await context.Response.WriteAsync($"[{Encoding.UTF8.GetString(TestServer.Join(events))}]");
    }
}
