using Dequeue.SampleEvents;
using Dequeue.Client.Tests.Servers;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Client.Tests.Live;

/// <summary>Networks that let no WebSocket through, or answer in the server's place.</summary>
public sealed class WithoutSocketTests
{
    private const string Hub = "/client/hubs/sync";
    private static readonly List<byte[]> Later = new EventGenerator(new EventGeneratorOptions { Seed = 99 }).Generate(20).ToList();
    private readonly InMemoryEventStore _store = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(200, "the upgrade is stripped")]
    [InlineData(200, "<html>Sign in to the hotel's network</html>")]
    [InlineData(403, "<html>Forbidden</html>")]
    [InlineData(302, "")]
    [InlineData(502, "<html>Bad Gateway</html>")]
    public async Task Without_a_WebSocket_everything_comes_by_REST_and_the_WebSocket_is_tried_again(int status, string body)
    {
        await using var server = await TestServer.StartAsync(20);
        var isBlocked = true;
        server.Intercept = context => context.Request.Path == Hub && isBlocked ? AnswerAsync(context, status, body) : Task.FromResult(false);
        using var sync = Sync(server);
        await using var events = sync.WatchAsync(Cancelled).GetAsyncEnumerator(Cancelled);

        await WatchTests.TakeAsync(events, server.Log);
        await server.CommitAsync(Later[..5], silently: true);
        await WatchTests.TakeAsync(events, Later[..5]);
        isBlocked = false;
        await server.LiveAsync(1);
        await server.CommitAsync(Later[5..7]);
        await WatchTests.TakeAsync(events, Later[5..7]);

        Assert.Equal(server.Digest(), _store.Digest());
    }

    [Theory]
    [InlineData(200)]
    [InlineData(302)]
    [InlineData(401)]
    [InlineData(403)]
    [InlineData(404)]
    [InlineData(511)]
    public async Task A_captive_portal_is_no_verdict(int status)
    {
        await using var server = await TestServer.StartAsync(5);
        var left = 12;
        server.Intercept = context => left-- > 0 ? AnswerAsync(context, status, "<html>Sign in</html>") : Task.FromResult(false);
        using var sync = Sync(server);
        await using var events = sync.WatchAsync(Cancelled).GetAsyncEnumerator(Cancelled);

        await WatchTests.TakeAsync(events, server.Log);

        Assert.True(left < 0);
    }

    [Fact]
    public async Task A_problem_document_of_the_server_is_its_verdict()
    {
        await using var server = await TestServer.StartAsync(5);
        server.Intercept = static async context =>
        {
            await TestServer.ProblemAsync(context, 403, Contracts.ErrorCodes.Unauthorized);
            return true;
        };
        using var sync = Sync(server);
        await using var events = sync.WatchAsync(Cancelled).GetAsyncEnumerator(Cancelled);

        var failed = await Assert.ThrowsAsync<SyncFailedException>(async () => await events.MoveNextAsync());

        Assert.Equal((SyncFailureKind.Unauthorized, true), (failed.Failure.Kind, failed.Failure.IsVerdict));
    }

    [Fact]
    public async Task A_watch_that_wants_no_stream_looks_by_REST_alone()
    {
        await using var server = await TestServer.StartAsync(5);
        using var sync = Sync(server, server.Options with { Stream = StreamEndpoint.None });
        await using var events = sync.WatchAsync(Cancelled).GetAsyncEnumerator(Cancelled);
        await WatchTests.TakeAsync(events, server.Log);
        await server.CommitAsync(Later[..2], silently: true);

        await WatchTests.TakeAsync(events, Later[..2]);

        Assert.All(server.Calls, static call => Assert.Equal("POST /apps/dequeue/sync/pull", call));
    }

    [Fact]
    public async Task A_token_provider_that_throws_for_a_while_does_not_end_the_watch()
    {
        await using var server = await TestServer.StartAsync(5);
        var (asked, logs) = (0, new LogList<SyncManager>());
        using var sync = new SyncManager(
            Fast(server.Options), _store,
            (_, _) => asked++ switch
            {
                < 4 => throw new HttpRequestException("secret-of-the-identity-service"),
                < 6 => throw new InvalidOperationException(),
                < 8 => throw new OperationCanceledException(),
                _ => ValueTask.FromResult(TestServer.Token),
            },
            logger: logs);
        await using var events = sync.WatchAsync(Cancelled).GetAsyncEnumerator(Cancelled);

        await WatchTests.TakeAsync(events, server.Log);

        Assert.Contains(logs.Entries, static entry => entry.Contains("HttpRequestException", StringComparison.Ordinal));
        Assert.DoesNotContain(logs.Entries, static entry => entry.Contains("secret", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("app")]
    public async Task Signing_out_ends_the_watch(string? consumer)
    {
        await using var server = await TestServer.StartAsync(5);
        using var sync = new SyncManager(Fast(server.Options), _store, static (_, _) => throw new SignedOutException());
        await using var events = (consumer is null ? sync.WatchAsync(Cancelled) : sync.WatchAsync(consumer, Cancelled)).GetAsyncEnumerator(Cancelled);

        await Assert.ThrowsAsync<SignedOutException>(async () => await events.MoveNextAsync());
    }

    private SyncManager Sync(TestServer server, SyncOptions? options = null)
        => new(Fast(options ?? server.Options), _store, static (_, _) => ValueTask.FromResult(TestServer.Token));

    private static SyncOptions Fast(SyncOptions options)
        => options with
        {
            PollInterval = TimeSpan.FromMilliseconds(1), MaxPollInterval = TimeSpan.FromMilliseconds(10), StreamRetryInterval = TimeSpan.FromMilliseconds(20),
        };

    private static async Task<bool> AnswerAsync(HttpContext context, int status, string body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html";
        if (status == 302) context.Response.Headers.Location = "http://127.0.0.1:1/login";
        await context.Response.WriteAsync(body);
        return true;
    }
}
