using Dequeue.Client.Tests.Servers;
using Dequeue.Contracts;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Client.Tests.Pulling;

public sealed class PageFailureTests
{
    private const string Pull = "/apps/dequeue/sync/pull";
    private readonly InMemoryEventStore _store = new();
    private readonly CountingTime _time = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(408)]
    public async Task A_page_is_asked_for_again_when_the_server_is_busy_or_ill(int status)
    {
        await using var server = await TestServer.StartAsync(3500);
        var calls = 0;
        // Of every three calls the first two fail: more failures than one page may have, fewer than that in a row.
        server.Intercept = async context =>
        {
            if (++calls % 3 == 0) return false;
            await TestServer.ProblemAsync(context, status, ErrorCodes.RateLimited, retryAfter: "0");
            return true;
        };
        using var sync = Sync(server.Options with { MaxAttempts = 3 });

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal(3500, result.Added);
        Assert.Equal(12, server.Count($"POST {Pull}"));
        Assert.Equal(server.Digest(), _store.Digest());
    }

    [Theory]
    [InlineData(500, SyncFailureKind.ServerError, 3)]
    [InlineData(400, SyncFailureKind.Refused, 1)]
    [InlineData(403, SyncFailureKind.Unauthorized, 1)]
    [InlineData(401, SyncFailureKind.Unauthorized, 2)]
    public async Task A_pull_ends_with_a_clear_error_when_no_page_comes(int status, SyncFailureKind kind, int calls)
    {
        await using var server = await TestServer.StartAsync(100);
        server.Intercept = async context =>
        {
            await TestServer.ProblemAsync(context, status, ErrorCodes.Internal);
            return true;
        };
        using (var sync = Sync(server.Options with { MaxAttempts = 3 }))
        {
            var failed = await Assert.ThrowsAsync<SyncFailedException>(() => sync.PullAsync(cancellationToken: Cancelled));

            Assert.Equal((kind, status, ErrorCodes.Internal), (failed.Failure.Kind, failed.Failure.Status, failed.Failure.Code));
            Assert.Contains($"Refused with {status}.", failed.Message, StringComparison.Ordinal);
        }

        Assert.Equal(calls, server.Calls.Count);
        Assert.Empty(_store.Events);
        await _time.NoTimersAsync();
    }

    [Fact]
    public async Task A_retry_after_beyond_the_limit_ends_the_pull_and_is_told()
    {
        await using var server = await TestServer.StartAsync(100);
        server.Intercept = async context =>
        {
            await TestServer.ProblemAsync(context, 429, ErrorCodes.RateLimited, retryAfter: "3600");
            return true;
        };
        using var sync = Sync(server.Options);

        var failed = await Assert.ThrowsAsync<SyncFailedException>(() => sync.PullAsync(cancellationToken: Cancelled));

        Assert.Equal(TimeSpan.FromHours(1), failed.Failure.RetryAfter);
        Assert.Single(server.Calls);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{\"events\":[],\"hasMore\":false}")]
    [InlineData("{\"events\":[],\"nextCheckpoint\":\"yesterday\",\"hasMore\":false}")]
    [InlineData("{\"events\":[],\"nextCheckpoint\":\"1970-01-01T00:00:00Z\",\"hasMore\":true}")]
    [InlineData("{\"events\":[],\"nextCheckpoint\":\"1969-01-01T00:00:00Z\",\"hasMore\":false}")]
    [InlineData("{\"events\":[{\"id\":\"a\"}")]
    [InlineData("")]
    public async Task A_page_that_breaks_the_contract_saves_nothing(string page)
    {
        await using var server = await TestServer.StartAsync();
        server.Intercept = async context =>
        {
            await context.Response.WriteAsync(page);
            return true;
        };
        using var sync = Sync(server.Options);

        var failed = await Assert.ThrowsAsync<SyncFailedException>(() => sync.PullAsync(cancellationToken: Cancelled));

        Assert.Equal(SyncFailureKind.BadAnswer, failed.Failure.Kind);
        Assert.Empty(_store.Events);
    }

    [Fact]
    public async Task A_body_beyond_the_limit_is_not_read_to_its_end()
    {
        await using var server = await TestServer.StartAsync();
        server.Intercept = async context =>
        {
            context.Response.Headers.ContentEncoding = "gzip";
            await using var bomb = new System.IO.Compression.GZipStream(context.Response.Body, System.IO.Compression.CompressionLevel.Fastest);
            var zeros = new byte[64 * 1024];
            for (var i = 0; i < 200; i++) await bomb.WriteAsync(zeros, context.RequestAborted);
            return true;
        };
        using var sync = Sync(server.Options with { MaxBodyBytes = 1024 * 1024 });

        var failed = await Assert.ThrowsAsync<SyncFailedException>(() => sync.PullAsync(cancellationToken: Cancelled));

        Assert.Equal(SyncFailureKind.BadAnswer, failed.Failure.Kind);
    }

    [Fact]
    public async Task Nobody_there_is_told_as_unreachable()
    {
        var nobody = new SyncOptions { Server = new Uri("http://127.0.0.1:1"), MaxAttempts = 2, BaseDelay = TimeSpan.FromMilliseconds(1) };
        using var sync = Sync(nobody);

        var failed = await Assert.ThrowsAsync<SyncFailedException>(() => sync.PullAsync(cancellationToken: Cancelled));

        Assert.Equal(SyncFailureKind.Unreachable, failed.Failure.Kind);
        Assert.DoesNotContain(TestServer.Token, failed.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_never_answers_is_given_up()
    {
        await using var server = await TestServer.StartAsync(10);
        server.Intercept = static async context =>
        {
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(static _ => { }, TaskScheduler.Default);
            return true;
        };
        using (var sync = Sync(server.Options with { MaxAttempts = 2, RequestTimeout = TimeSpan.FromSeconds(0.2) }))
        {
            var failed = await Assert.ThrowsAsync<SyncFailedException>(() => sync.PullAsync(cancellationToken: Cancelled));
            Assert.Equal(SyncFailureKind.TimedOut, failed.Failure.Kind);
        }

        await _time.NoTimersAsync();
    }

    [Fact]
    public async Task Compressed_pages_are_read_and_counted_as_they_came()
    {
        await using var server = await TestServer.StartAsync(1000);
        server.Intercept = async context =>
        {
            Assert.Equal("br, gzip", context.Request.Headers.AcceptEncoding.ToString());
            context.Response.Headers.ContentEncoding = "br";
            await using var brotli = new System.IO.Compression.BrotliStream(context.Response.Body, System.IO.Compression.CompressionLevel.Fastest);
            using var page = new MemoryStream();
            var body = context.Response.Body;
            context.Response.Body = page;
            await server.WritePageAsync(context, Checkpoint.Beginning, 1000);
            context.Response.Body = body;
            await brotli.WriteAsync(page.ToArray());
            return true;
        };
        using var sync = Sync(server.Options);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal(server.Digest(), _store.Digest());
        Assert.InRange(result.Bytes, 1, server.Log.Sum(json => json.Length) / 3);
    }

    private SyncManager Sync(SyncOptions options)
        => new(options with { Stream = StreamEndpoint.None }, _store, static (_, _) => ValueTask.FromResult(TestServer.Token), time: _time);
}
