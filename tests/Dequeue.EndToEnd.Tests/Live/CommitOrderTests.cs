using System.Text;
using System.Text.Json;
using Dequeue.Client;
using Dequeue.Contracts;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.Streaming;

namespace Dequeue.EndToEnd.Tests.Live;

/// <summary>Live keeps the order of the commits, however many write at once.</summary>
public sealed class CommitOrderTests(Backend backend)
{
    private const int Writers = 4, Pushes = 40, EventsOfPush = 4;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_live_batch_begins_where_the_one_before_ended_while_many_devices_push()
    {
        var user = backend.NewUser();
        using var answer = await user.PostAsync("/v1/sync/stream/negotiate", "");
        await using var stream = await RawStream.OpenAsync(new Uri((await TestUser.JsonOf(answer)).GetProperty("url").GetString()!));
        await stream.SendAsync("""{"type":"sync.stream.request","live":true}""");
        await stream.ReceiveUntilAsync("sync.stream.complete");
        await using var shipped = await RawStream.OpenAsync(new UriBuilder(new Uri(backend.Address, $"/apps/dequeue/ws?token={user.Token}")) { Scheme = "ws" }.Uri);

        var pushing = PushAllAsync(body => user.PostAsync("/v1/sync/push", body));
        var (position, live) = (0L, new List<string>());
        while (position < Writers * Pushes * EventsOfPush)
        {
            var (_, batch) = await stream.ReceiveAsync();
            Assert.Equal(position, batch.GetProperty("before").GetInt64());
            live.AddRange(batch.GetProperty("events").EnumerateArray().Select(static json => json.GetRawText()));
            position = live.Count;
        }

        var bare = new List<string>();
        while (bare.Count < live.Count) bare.Add((await shipped.ReceiveAsync()).Message.GetRawText());
        await pushing;
        using var log = await user.GetAsync("/v1/sync/events?limit=1000");
        var stored = (await TestUser.JsonOf(log)).GetProperty("events").EnumerateArray().Select(static json => json.GetRawText()).ToList();

        Assert.Equal(stored, live);
        Assert.Equal(stored, bare);
    }

    [Fact]
    public async Task A_watching_store_is_in_commit_order_while_two_server_processes_commit()
    {
        await using var one = await FunctionsProcess.StartAsync();
        await using var other = await one.BesideAsync();
        const string User = "two-processes";
        var store = new InMemoryEventStore();
        var token = Operation.OperationHost.Token(User);
        using var sync = new SyncManager(new SyncOptions { Server = one.Http.BaseAddress! }, store, (_, _) => ValueTask.FromResult(token));
        await using var events = sync.WatchAsync("test", Cancelled).GetAsyncEnumerator(Cancelled);

        var turn = 0;
        var pushing = PushAllAsync(body => (Interlocked.Increment(ref turn) % 2 == 0 ? one : other).PostAsync("/v1/sync/push", User, body));
        for (var seen = 0; seen < Writers * Pushes * EventsOfPush; seen++)
            Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Guard.Time, Cancelled));
        await pushing;
        using var log = await one.PostAsync("/v1/sync/pull", User, """{"limit":1000}""");
        var stored = (await TestUser.JsonOf(log)).GetProperty("events").EnumerateArray().Select(static json => json.GetRawText());

        Assert.Equal(stored, store.Events.Select(static json => Encoding.UTF8.GetString(json.Span)));
    }

    private static Task PushAllAsync(Func<string, Task<HttpResponseMessage>> push)
        => Parallel.ForEachAsync(
            Enumerable.Range(0, Writers),
            new ParallelOptions { MaxDegreeOfParallelism = Writers, CancellationToken = Cancelled },
            async (writer, _) =>
            {
                for (var i = 0; i < Pushes; i++)
                {
                    var events = Enumerable.Range(0, EventsOfPush).Select(n =>
                        $$$"""{"id":"w{{{writer}}}-{{{i}}}-{{{n}}}","user_id":"","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}""");
                    using var answer = await push($$"""{"events":[{{string.Join(',', events)}}]}""");
                    answer.EnsureSuccessStatusCode();
                }
            });
}
