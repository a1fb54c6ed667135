using System.Text;
using Dequeue.SampleEvents;
using Dequeue.Client.Tests.Servers;
using Dequeue.Contracts;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

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
    public async Task The_last_report_of_a_push_that_fails_tells_what_the_server_has_answered_for()
    {
        await using var server = await TestServer.StartAsync();
        var bodies = 0;
        server.Intercept = context => ++bodies == 2 ? FailFirst(1, 413)(context) : Task.FromResult(false);
        var reports = new List<SyncProgress>();

        // Its clock stands still: all comes within one interval.
        using var sync = new SyncManager(server.Options, _store, static (_, _) => ValueTask.FromResult(TestServer.Token), time: new FakeTimeProvider());
        await Assert.ThrowsAsync<SyncFailedException>(() => sync.PushAsync(Events, new Reports(reports), Cancelled));

        Assert.Equal([0L, 1000L], reports.Select(report => report.Processed));
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
        => await RefusedWhenEnqueuedAsync(Encoding.UTF8.GetBytes(json), "");

    [Theory]
    [InlineData("payload_version", "payload_version")]
    [InlineData("payload", "payload ")]
    [InlineData("type", "type ")]
    [InlineData("ts", "ts ")]
    public async Task An_event_without_a_required_field_is_refused_when_it_is_enqueued_by_name(string field, string named)
    {
        var json = System.Text.Json.Nodes.JsonNode.Parse(Events[0].Span)!.AsObject();
        json.Remove(field);
        await RefusedWhenEnqueuedAsync(Encoding.UTF8.GetBytes(json.ToJsonString()), named);
    }

    [Fact]
    public async Task What_the_server_would_refuse_is_refused_when_it_is_enqueued()
    {
        await RefusedWhenEnqueuedAsync(Bad(id: new string('x', 65)), "id is 1 to 64");
        await RefusedWhenEnqueuedAsync(Bad(title: [0xFF]), "An event is valid UTF-8");
        await RefusedWhenEnqueuedAsync(Bad(title: [.. Enumerable.Repeat((byte)'x', 5_000_000)]), "An event has at most 65536 bytes");
    }

    [Theory]
    [InlineData(400)]
    [InlineData(413)]
    public async Task A_body_that_is_refused_as_a_whole_is_split_until_the_culprit_is_alone(int status)
    {
        await using var server = await TestServer.StartAsync();
        byte[][] bad = [Bad(id: "bad-1"), Bad(id: "bad-2")];
        server.Intercept = async context =>
        {
            context.Request.EnableBuffering();
            var body = await new StreamReader(context.Request.Body).ReadToEndAsync(Cancelled);
            context.Request.Body.Position = 0;
            if (!body.Contains("bad-", StringComparison.Ordinal)) return false;
            await TestServer.ProblemAsync(context, status, ErrorCodes.InvalidRequest);
            return true;
        };
        var logs = new LogList<SyncManager>();
        using var sync = new SyncManager(server.Options, _store, static (_, _) => ValueTask.FromResult(TestServer.Token), logger: logs);
        await sync.EnqueueAsync([.. Events[..100], bad[0], .. Events[100..1500], bad[1]], Cancelled);

        var result = await sync.FlushAsync(cancellationToken: Cancelled);

        Assert.Equal((1500L, 0L, null), (result.Acknowledged, result.Pending, result.Failure));
        Assert.Equal(["bad-1", "bad-2"], result.Rejected.Select(static one => one.Id));
        Assert.Equal(Events[..1500].Select(static json => json.ToArray()), server.Log);
        var refused = await sync.GetRefusedAsync(Cancelled);
        Assert.Equal(bad, refused.Select(static one => one.Json.ToArray()));
        Assert.All(refused, one => Assert.Equal($"Refused with {status}.", one.Reason));
        Assert.Equal(2, logs.Entries.Count(static entry => entry.Contains("left the queue", StringComparison.Ordinal)));
        await sync.ForgetRefusedAsync(refused[0].Number, Cancelled);
        Assert.Equal("bad-2", Assert.Single(await sync.GetRefusedAsync(Cancelled)).Id);
    }

    [Fact]
    public async Task A_proxys_413_takes_no_event_out_of_the_queue()
    {
        await using var server = await TestServer.StartAsync();
        server.Intercept = static async context =>
        {
            context.Response.StatusCode = 413;
            await context.Response.WriteAsync("<html>Request Entity Too Large</html>");
            return true;
        };
        using var sync = Sync(server);
        await sync.EnqueueAsync(Events[..3], Cancelled);

        var result = await sync.FlushAsync(cancellationToken: Cancelled);

        Assert.Equal((0L, 3L, SyncFailureKind.BadAnswer), (result.Acknowledged, result.Pending, result.Failure!.Kind));
    }

    [Fact]
    public async Task An_id_that_comes_back_clipped_is_known_by_its_order()
    {
        await using var server = await TestServer.StartAsync();
        var (long1, long2) = (new string('x', 70) + "1", new string('x', 70) + "2");
        server.Intercept = async context =>
        {
            var clipped = long1[..64];
            await context.Response.WriteAsync(
                $$"""{"acknowledged":["good"],"rejected":["{{clipped}}","","{{clipped}}"],"errors":["first","second","third"]}""");
            return true;
        };
        using var sync = Sync(server);
        await _store.EnqueueAsync([Queued(long1), Queued("good"), Queued("strange id"), Queued(long2)], Cancelled);

        var result = await sync.FlushAsync(cancellationToken: Cancelled);

        Assert.Equal((1L, 0L, null), (result.Acknowledged, result.Pending, result.Failure));
        Assert.Equal(
            [(long1, "first"), ("strange id", "second"), (long2, "third")], (await sync.GetRefusedAsync(Cancelled)).Select(static one => (one.Id, one.Reason)));
    }

    [Theory]
    [InlineData(408, "Whatever.")]
    [InlineData(400, "Reading the request body timed out due to data arriving too slowly. See MinRequestBodyDataRate.")]
    public async Task An_answer_that_the_body_came_too_slowly_is_not_final(int status, string detail)
    {
        await using var server = await TestServer.StartAsync();
        var left = 3;
        server.Intercept = async context =>
        {
            if (left-- <= 0) return false;
            context.Response.StatusCode = status;
            await context.Response.WriteAsync($$"""{"title":"Invalid","status":{{status}},"detail":"{{detail}}","code":"INVALID_REQUEST"}""");
            return true;
        };
        using var sync = Sync(server);

        var result = await sync.PushAsync(Events[..2], cancellationToken: Cancelled);

        Assert.Equal(2, result.Acknowledged);
    }

    [Fact]
    public void Results_print_as_sentences()
    {
        Assert.Equal(
            "1,500 acknowledged, 1 rejected, 3 pending: No network.",
            new FlushResult(1500, [new RejectedEvent("a", "b")], 3, new SyncFailure(SyncFailureKind.Unreachable, "No network.")).ToString());
        Assert.Equal("2 acknowledged, 0 rejected in 0.500 s.", new PushResult(2, [], 0.5, 100).ToString());
    }

    private async Task RefusedWhenEnqueuedAsync(byte[] json, string why)
    {
        using var sync = new SyncManager(new SyncOptions { Server = new Uri("http://localhost") }, _store, static (_, _) => ValueTask.FromResult(""));

        var refused = await Assert.ThrowsAsync<ArgumentException>(async () => await sync.EnqueueAsync([Events[0], json], Cancelled));

        Assert.Contains($"events[1] cannot be queued: {why}", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, await _store.CountAsync(Cancelled));
    }

    private static byte[] Bad(string id = "bad", byte[]? title = null)
        => [
            .. Encoding.UTF8.GetBytes($$"""{"id":"{{id}}","ts":"2026-01-01T00:00:00Z","type":"t","payload":{"b":""" + '"'),
            .. title ?? [], .. "\"},\"payload_version\":2}"u8,
        ];

    private static Contracts.Events.SyncEvent Queued(string id) => new(Bad(id), id, null, 2, true);

    private SyncManager Sync(TestServer server) => new(server.Options, _store, static (_, _) => ValueTask.FromResult(TestServer.Token));

    private static Func<HttpContext, Task<bool>> FailFirst(int times, int status)
        => async context =>
        {
            if (times-- <= 0) return false;
            await TestServer.ProblemAsync(context, status, ErrorCodes.DbError);
            return true;
        };

    private sealed class Reports(List<SyncProgress> all) : IProgress<SyncProgress>
    {
        public void Report(SyncProgress value) => all.Add(value);
    }
}
