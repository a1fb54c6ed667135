using System.Net;
using Dequeue.Contracts;
using Dequeue.EndToEnd.Tests.Hosting;
using Dequeue.EndToEnd.Tests.Operation;
using Dequeue.Functions.Http;
using Dequeue.Functions.Pulling;
using Dequeue.Sync.Log;
using Dequeue.Sync.Paging;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Dequeue.EndToEnd.Tests.Hostile;

/// <summary>Pages are bounded by bytes, and so is what their readers make the server hold.</summary>
public sealed class PageTests(Backend backend)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_page_of_large_events_ends_at_4_MB_and_says_that_there_is_more()
    {
        var user = backend.NewUser();
        var filler = new string('x', 60_000);
        var ids = Enumerable.Range(0, 200).Select(i => $"large-{i:000}").ToList();
        foreach (var push in ids.Chunk(50))
        {
            using var pushed = await user.PostAsync("/v1/sync/push", $$"""{"events":[{{string.Join(',', push.Select(id => Event(id, filler)))}}]}""");
            Assert.Equal(HttpStatusCode.OK, pushed.StatusCode);
        }

        var (got, since, pages, hasMore) = (new List<string>(), "", 0, true);
        for (; hasMore; pages++)
        {
            using var answer = await user.GetAsync($"/v1/sync/events?limit=1000&since={since}");
            var text = await answer.Content.ReadAsByteArrayAsync(Cancel);
            Assert.InRange(text.Length, 1, EventPaging.MaxBytes + 200);
            var page = await TestUser.JsonOf(answer);
            got.AddRange(page.GetProperty("events").EnumerateArray().Select(json => json.GetProperty("id").GetString()!));
            (since, hasMore) = (page.GetProperty("nextCheckpoint").GetString()!, page.GetProperty("hasMore").GetBoolean());
            if (hasMore) Assert.InRange(text.Length, EventPaging.MaxBytes - 61_000, EventPaging.MaxBytes + 200);
        }

        Assert.Equal(ids, got);
        Assert.Equal(3, pages);
    }

    [Fact]
    public async Task A_reader_who_takes_nothing_is_cut_off_and_what_was_taken_is_not_held()
    {
        await using var host = await OperationHost.StartAsync();
        await host.PushAsync("ada", 60, new string('x', 60_000));
        var clock = new FakeTimeProvider();
        var memory = new MemoryBudget(16 * 1024 * 1024, clock);
        var pages = new EventPages(host.Services.GetRequiredService<EventLog>(), memory, clock);
        var reader = new BlockedStream(takes: 2_000_000);
        var lifetime = new Lifetime();
        var context = new DefaultHttpContext();
        context.Features.Set<IHttpRequestLifetimeFeature>(lifetime);
        context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(reader));

        var answer = await pages.AnswerAsync(context.Request, OperationHost.Log("ada"), Checkpoint.Beginning, 1000, null, default, Cancel);
        Assert.InRange(memory.Held, 3_600_000, EventPaging.MaxBytes);
        var sending = answer.ExecuteAsync(context);
        await reader.Blocked.WaitAsync(Cancel);
        Assert.InRange(memory.Held, 1_500_000, 3_600_000 - 900_000);

        clock.Advance(TimeSpan.FromSeconds(9));
        Assert.False(lifetime.IsAborted);
        clock.Advance(TimeSpan.FromMinutes(5));
        await sending;
        Assert.True(lifetime.IsAborted);
    }

    [Fact]
    public async Task Readers_beyond_their_share_are_503_and_come_again()
    {
        await using var host = await OperationHost.StartAsync();
        await host.PushAsync("ada", 1);
        var clock = new FakeTimeProvider();
        var memory = new MemoryBudget(16 * 1024 * 1024, clock);
        var pages = new EventPages(host.Services.GetRequiredService<EventLog>(), memory, clock);
        using var held = memory.TryTake(OperationHost.Log("ada"), 100);

        var waiting = pages.AnswerAsync(new DefaultHttpContext().Request, OperationHost.Log("ada"), Checkpoint.Beginning, 10, null, default, Cancel);
        clock.Advance(TimeSpan.FromSeconds(2));
        await using var services = new ServiceCollection().AddLogging().BuildServiceProvider();
        var refused = new DefaultHttpContext { RequestServices = services };
        await (await waiting).ExecuteAsync(refused);
        Assert.Equal((503, "1"), (refused.Response.StatusCode, refused.Response.Headers.RetryAfter.ToString()));
    }

    private static string Event(string id, string text) => $$$"""{"id":"{{{id}}}","user_id":"","ts":"2026-01-01T00:00:00Z","type":"t","payload":{"x":"{{{text}}}"},"payload_version":2}""";

    private sealed class Lifetime : IHttpRequestLifetimeFeature
    {
        public CancellationToken RequestAborted { get; set; }

        public bool IsAborted { get; private set; }

        public void Abort() => IsAborted = true;
    }
}
