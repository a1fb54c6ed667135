using System.Text;
using Dequeue.Cli.Generating;
using Dequeue.Client.Tests.Servers;
using Dequeue.Contracts;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Client.Tests.Pushing;

public sealed class PushTests
{
    private const string Push = "POST /apps/dequeue/sync/push";
    private static readonly List<ReadOnlyMemory<byte>> Events =
        new EventGenerator(new EventGeneratorOptions()).Generate(2500).Select(json => (ReadOnlyMemory<byte>)json).ToList();

    private readonly InMemoryEventStore _store = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Events_arrive_in_order_in_bodies_of_a_thousand()
    {
        await using var server = await TestServer.StartAsync();
        using var sync = Sync(server);

        var result = await sync.PushAsync(Events, cancellationToken: Cancelled);

        Assert.Equal(2500, result.Acknowledged);
        Assert.Empty(result.Rejected);
        Assert.Equal(3, server.Count(Push));
        Assert.Equal(Events.Select(json => json.ToArray()), server.Log);
    }

    [Fact]
    public async Task A_body_stays_below_the_servers_limit_of_bytes()
    {
        await using var server = await TestServer.StartAsync();
        List<long> bodies = [];
        server.Intercept = context =>
        {
            bodies.Add(context.Request.ContentLength!.Value);
            return Task.FromResult(false);
        };
        var large = Enumerable.Range(0, 100).Select(i => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes($$"""{"id":"e{{i}}","x":"{{new string('x', 60_000)}}"}""")).ToList();
        using var sync = Sync(server);

        await sync.PushAsync(large, cancellationToken: Cancelled);

        Assert.Equal(100, server.Log.Count);
        Assert.Equal(2, bodies.Count);
        Assert.All(bodies, static length => Assert.InRange(length, 1, 3_500_002));
    }

    [Fact]
    public async Task Refused_events_are_reported_with_their_reason()
    {
        await using var server = await TestServer.StartAsync();
        using var sync = Sync(server);

        var result = await sync.PushAsync([Events[0], "{}"u8.ToArray()], cancellationToken: Cancelled);

        Assert.Equal(1, result.Acknowledged);
        Assert.Equal([new RejectedEvent("", "An event has no id.")], result.Rejected);
    }

    [Fact]
    public async Task A_body_is_sent_again_when_its_answer_is_lost()
    {
        await using var server = await TestServer.StartAsync();
        server.Intercept = FailFirst(3, 503);
        using var sync = Sync(server);

        var result = await sync.PushAsync(Events, cancellationToken: Cancelled);

        Assert.Equal(2500, result.Acknowledged);
        Assert.Equal(6, server.Count(Push));
        Assert.Equal(2500, server.Log.Count);
    }

    [Fact]
    public async Task A_push_that_cannot_be_sent_throws()
    {
        await using var server = await TestServer.StartAsync();
        server.Intercept = FailFirst(int.MaxValue, 413);
        using var sync = Sync(server);

        var failed = await Assert.ThrowsAsync<SyncFailedException>(() => sync.PushAsync(Events, cancellationToken: Cancelled));

        Assert.Equal((SyncFailureKind.Refused, 413), (failed.Failure.Kind, failed.Failure.Status));
        Assert.Single(server.Calls);
    }

    [Fact]
    public async Task The_queue_keeps_its_events_until_the_server_answers()
    {
        await using var server = await TestServer.StartAsync();
        server.Intercept = FailFirst(5, 503);
        using var sync = Sync(server);
        await sync.EnqueueAsync(Events, Cancelled);

        var offline = await sync.FlushAsync(cancellationToken: Cancelled);
        var online = await sync.FlushAsync(cancellationToken: Cancelled);
        var idle = await sync.FlushAsync(cancellationToken: Cancelled);

        Assert.Equal((0L, 2500L, SyncFailureKind.ServerError), (offline.Acknowledged, offline.Pending, offline.Failure!.Kind));
        Assert.Equal((2500L, 0L, null), (online.Acknowledged, online.Pending, online.Failure));
        Assert.Equal((0L, 0L, null), (idle.Acknowledged, idle.Pending, idle.Failure));
        Assert.Equal(Events.Select(json => json.ToArray()), server.Log);
        Assert.Equal(5 + 3, server.Calls.Count);
    }

    [Fact]
    public async Task An_answer_that_leaves_an_event_out_leaves_the_queue_as_it_was()
    {
        await using var server = await TestServer.StartAsync();
        server.Intercept = static async context =>
        {
            await context.Response.WriteAsync("""{"acknowledged":[],"rejected":[],"errors":[]}""");
            return true;
        };
        using var sync = Sync(server);
        await sync.EnqueueAsync(Events[..2], Cancelled);

        var result = await sync.FlushAsync(cancellationToken: Cancelled);

        Assert.Equal((2L, SyncFailureKind.BadAnswer), (result.Pending, result.Failure!.Kind));
    }

    [Theory]
    [InlineData("""{"acknowledged":null,"rejected":[],"errors":[]}""")]
    [InlineData("{}")]
    [InlineData("nonsense")]
    public async Task An_answer_without_its_lists_is_no_answer(string answer)
    {
        await using var server = await TestServer.StartAsync();
        server.Intercept = async context =>
        {
            await context.Response.WriteAsync(answer);
            return true;
        };
        using var sync = Sync(server);

        var failed = await Assert.ThrowsAsync<SyncFailedException>(() => sync.PushAsync(Events[..2], cancellationToken: Cancelled));

        Assert.Equal(SyncFailureKind.BadAnswer, failed.Failure.Kind);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{} {}")]
    [InlineData("""{"id":1}""")]
    [InlineData("""{"type":"task.created"}""")]
    public async Task What_is_no_event_is_not_queued_and_neither_is_its_company(string json)
    {
        using var sync = new SyncManager(new SyncOptions { Server = new Uri("http://localhost") }, _store, static (_, _) => ValueTask.FromResult(""));

        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await sync.EnqueueAsync([Events[0], Encoding.UTF8.GetBytes(json)], Cancelled));

        Assert.Equal(0, await _store.CountAsync(Cancelled));
    }

    private SyncManager Sync(TestServer server) => new(server.Options, _store, static (_, _) => ValueTask.FromResult(TestServer.Token));

    private static Func<HttpContext, Task<bool>> FailFirst(int times, int status)
        => async context =>
        {
            if (times-- <= 0) return false;
            await TestServer.ProblemAsync(context, status, ErrorCodes.DbError);
            return true;
        };
}
