using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Dequeue.EndToEnd.Tests.Hosting;
using Microsoft.Playwright;

namespace Dequeue.Site.Tests;

/// <summary>What the page makes of the stream's options, from a server that the test plays: step by step, and where it goes wrong.</summary>
public sealed class OptionTests(Backend backend, Browser browser)
{
    private const string At1 = "2026-11-22T08:00:00.0000001Z", At2 = "2026-11-22T08:00:00.0000002Z", At3 = "2026-11-22T08:00:00.0000003Z";
    private const string Verified = "Verified: same bytes as the server’s.";

    // The same task four times, spelled so that a JSON library would not give it back.
    private static readonly string[] Task =
    [
        """{"id":"d1","type":"task.created","payload":{"taskId":"\u0061","state":{"id":"a","n":1.0,"big":12345678901234567890123,"t":"\u00e9\\\"}","in":{"x":1,"y":[1e2]}}}}""",
        """{"id":"d2","type":"task.updated","payload":{"taskId":"\u0061","changes":{},"fullState":{"id":"a","n":1.00,"big":12345678901234567890123,"t":"\u00e9\\\"}","in":{"x":1,"y":[1e2],"z":{"\u007a":null}}}}}""",
        """{"id":"d3","type":"task.updated","payload":{"taskId":"a","fullState":{"id":"other"}}}""",
        """{"id":"d4","type":"task.updated","payload":{"fullState":{"id":"a","big":12345678901234567890123,"t":"\ud800","in":{"x":1,"z":{"\u007a":null}}},"taskId":"\u0061"},"user_id":"Ä"}""",
    ];

    private static readonly string[] Patched =
    [
        Task[0],
        """{"id":"d2","type":"task.updated","payload":{"taskId":"\u0061","changes":{},"fullState":{"n":1.00,"in":{"z":{"\u007a":null}}}}}""",
        Task[2],
        """{"id":"d4","type":"task.updated","payload":{"fullState":{"n":null,"t":"\ud800","in":{"y":null}},"taskId":"\u0061"},"user_id":"Ä"}""",
    ];

    [Fact]
    public async Task Deltas_are_rebuilt_to_the_byte_also_when_a_step_is_repeated()
    {
        await using var visitor = await StreamScript.VisitAsync(backend, browser, backend.NewUser(), script =>
        {
            Assert.True(script.Request.GetProperty("delta").GetBoolean());
            script.Start(4);
            script.Batch(0, Patched[..2], At1, more: "\"deltas\":[1],");
            script.Batch(0, Patched[..2], At1, more: "\"reset\":true,\"deltas\":[1],");
            script.Batch(1, Patched[2..], At2, isLast: true, more: "\"deltas\":[1],");
            script.Complete(4, At2, StreamScript.DigestOf(Task));
        });
        await visitor.SeesAsync("#fresh", "Complete: 4 events");
        await visitor.SeesAsync("#fresh [data-part=facts]", Verified);
    }

    [Theory]
    [InlineData(1, "A patch of the stream came before its state.")]
    [InlineData(4, "A patch of the stream belongs to no entity.")]
    public async Task A_patch_that_fits_nothing_ends_the_stream(int index, string note)
    {
        await using var visitor = await StreamScript.VisitAsync(backend, browser, backend.NewUser(), script =>
        {
            script.Start(2);
            script.Batch(0, [.. Patched[2..3], index < 4 ? Patched[index] : """{"id":"d5","type":"task","payload":{"taskId":"a","state":{}}}"""], At1, more: "\"deltas\":[1],");
        });
        await visitor.SeesAsync("#fresh [data-part=note]", note + " REST takes over.");
        await visitor.SeesAsync("#fresh", "Complete: 0 events");
    }

    [Fact]
    public async Task Events_other_than_those_of_the_digest_are_compared_and_those_that_are_right_come_by_REST()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(3);
        await using var visitor = await StreamScript.VisitAsync(backend, browser, user, script =>
        {
            script.Start(4);
            script.Batch(0, Task, At1, isLast: true);
            script.Complete(4, At1, StreamScript.DigestOf(Task.Reverse()));
        });
        await visitor.SeesAsync("#fresh [data-part=note]", "The events are not those that the server sent: the digest differs. REST takes over.");
        await visitor.SeesAsync("#fresh", "Complete: 3 events");
        Assert.Contains(visitor.Urls, url => url.EndsWith("/v1/sync/digests", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_still_matters_comes_alone_and_the_page_says_of_how_many()
    {
        var user = backend.NewUser();
        await user.PushHistoryAsync(1000);
        await using var visitor = await browser.VisitAsync(backend.Address);
        await visitor.SignInAsync(user.Token);
        await visitor.SeesLiveAsync();
        await visitor.Page.GetByText("Only what still matters", new() { Exact = true }).ClickAsync();
        await visitor.PressAsync("Sync a fresh device");
        var said = new Regex(@"Complete: (\d{2,3}) events in .* by stream, .* received\. \1 of 1,000 events make today’s state\.");
        await visitor.SeesAsync("#fresh", said);
        await visitor.SeesAsync("#fresh [data-part=facts]", Verified);
    }

    [Fact]
    public async Task The_active_stack_is_said_to_be_ready_while_the_rest_is_still_on_its_way()
    {
        var goOn = new TaskCompletionSource();
        await using var visitor = await StreamScript.VisitAsync(backend, browser, backend.NewUser(), async void (script) =>
        {
            Assert.True(script.Request.GetProperty("priority").GetProperty("active").GetBoolean());
            script.Start(4);
            script.Batch(0, Task[2..], "1970-01-01T00:00:00.0000000Z", more: "\"priority\":true,");
            script.Ready(2);
            await goOn.Task;
            script.Batch(1, Task[..2], At2, isLast: true);
            script.Complete(4, At2, StreamScript.DigestOf([.. Task[2..], .. Task[..2]]));
        });
        await visitor.SeesAsync("#fresh [data-part=facts]", new Regex(@"Active stack ready after \d+\.\d\d s: 2 events\."));
        goOn.SetResult();
        await visitor.SeesAsync("#fresh", "Complete: 4 events");
        await visitor.SeesAsync("#fresh [data-part=facts]", Verified);
    }

    [Fact]
    public async Task A_priority_stream_that_breaks_is_completed_by_REST_without_repeating_what_is_here()
    {
        var user = backend.NewUser();
        var pushed = (await user.PushHistoryAsync(5)).ConvertAll(Encoding.UTF8.GetString);
        await using var visitor = await StreamScript.VisitAsync(backend, browser, user, script =>
        {
            script.Start(5);
            script.Batch(0, pushed[3..], "1970-01-01T00:00:00.0000000Z", more: "\"priority\":true,");
            script.Ready(2);
            script.Send("""{"type":"sync.stream.error","error":"over","code":"INTERNAL"}""");
        });
        await visitor.SeesAsync("#fresh [data-part=note]", "The stream ended in an error: over. REST carries on after 2 events.");
        await visitor.SeesAsync("#fresh", "Complete: 5 events");
    }

    [Fact]
    public async Task A_server_that_waits_for_acknowledgements_gets_them_in_time()
    {
        const int Batches = 40;
        var acks = new ConcurrentQueue<int>();
        var events = backend.NewUser().Generate(Batches).ConvertAll(Encoding.UTF8.GetString);
        await using var visitor = await StreamScript.VisitAsync(backend, browser, backend.NewUser(), script =>
        {
            Assert.Equal(16, script.Request.GetProperty("window").GetInt32());
            var sent = 0;
            script.OnAck = batch =>
            {
                acks.Enqueue(batch);
                SendUpTo(batch + 16);
            };
            script.Start(Batches);
            SendUpTo(15);

            void SendUpTo(int last)
            {
                for (; sent <= last && sent < Batches; sent++) script.Batch(sent, [events[sent]], $"2026-11-22T08:00:00.00000{sent:00}Z", isLast: sent == Batches - 1);
                if (last >= Batches + 15) script.Complete(Batches, "2026-11-22T08:00:01.0000000Z", StreamScript.DigestOf(events));
            }
        });
        await visitor.SeesAsync("#fresh", $"Complete: {Batches} events");
        await visitor.SeesAsync("#fresh [data-part=facts]", Verified);
        Assert.Equal([3, 7, 11, 15], acks.Take(4));
    }

    [Fact]
    public async Task Pages_by_reference_are_fetched_checked_and_replaced_by_REST_where_they_are_not_right()
    {
        var user = backend.NewUser();
        var pushed = new List<string>();
        var checkpoints = new List<string>();
        for (var page = 0; page < 4; page++)
        {
            pushed.AddRange((await user.PushHistoryAsync(3, seed: page)).ConvertAll(Encoding.UTF8.GetString));
            using var answer = await user.PostAsync("/v1/sync/pull", """{"limit":1000}""");
            checkpoints.Add((await TestUser.JsonOf(answer)).GetProperty("nextCheckpoint").GetString()!);
        }

        await using var visitor = await browser.VisitAsync(backend.Address, offersReferences: true);
        await visitor.Page.RouteAsync("**/blob/*", route => route.FulfillAsync(route.Request.Url[^1] switch
        {
            '0' or '3' => new RouteFulfillOptions { Body = Page(route.Request.Url[^1] - '0') },
            '1' => new RouteFulfillOptions { Body = Page(1).Replace("\"ts\"", "\"tx\"", StringComparison.Ordinal) },
            _ => new RouteFulfillOptions { Status = 403, Body = Page(2) },
        }));
        await visitor.SignInAsync(user.Token);
        await visitor.SeesLiveAsync();
        await StreamScript.PlayAsync(visitor.Page, script =>
        {
            Assert.True(script.Request.GetProperty("references").GetBoolean());
            script.Start(12);
            script.Batch(0, [], checkpoints[2], more: $"\"references\":[{string.Join(',', Enumerable.Range(0, 3).Select(Reference))}],");
            script.Batch(1, [], checkpoints[3], isLast: true, more: $"\"references\":[{Reference(3)}],");
            script.Complete(12, checkpoints[3], StreamScript.DigestOf(pushed));
        });
        await visitor.Page.GetByText("By reference", new() { Exact = true }).ClickAsync();
        await visitor.PressAsync("Sync a fresh device");
        await visitor.SeesAsync("#fresh", "Complete: 12 events");
        await visitor.SeesAsync("#fresh [data-part=facts]", Verified);
        Assert.Equal(2, visitor.Urls.Count(url => url.EndsWith("/v1/sync/pull", StringComparison.Ordinal)));

        string Page(int page) => $"[{string.Join(',', pushed[(page * 3)..(page * 3 + 3)])}]";
        string Reference(int page)
            => $$"""{"url":"{{new Uri(backend.Address, $"/blob/{page}")}}","checkpoint":"{{checkpoints[page]}}","count":3,"digest":"{{StreamScript.DigestOf(pushed[(page * 3)..(page * 3 + 3)])}}"}""";
    }

    [Fact]
    public async Task A_live_batch_that_was_lost_is_seen_and_asked_for_again()
    {
        var requests = new ConcurrentQueue<string?>();
        await using var visitor = await browser.VisitAsync(backend.Address);
        await StreamScript.PlayAsync(visitor.Page, script =>
        {
            Assert.True(script.Request.GetProperty("live").GetBoolean());
            requests.Enqueue(script.Request.TryGetProperty("since", out var since) ? since.GetString() : null);
            script.Start(0);
            if (requests.Count == 1)
            {
                Live(0, Task[0], At1);
                script.Send($$"""{"type":"sync.stream.complete","processedEvents":0,"newCheckpoint":"1970-01-01T00:00:00Z","position":0}""");
                Live(0, Task[0], At1);
                Live(2, Task[2], At3);
                return;
            }

            script.Send($$"""{"type":"sync.stream.complete","processedEvents":0,"newCheckpoint":"{{At1}}","position":1}""");
            Live(1, Task[1], At2);
            Live(1, $"{Task[1]},{Task[2]}", At3);

            void Live(int before, string events, string checkpoint)
                => script.Send($$"""{"type":"sync.stream.live","before":{{before}},"checkpoint":"{{checkpoint}}","events":[{{events}}]}""");
        });
        await visitor.SignInAsync(backend.NewUser().Token);
        await visitor.SeesAsync("#live-events", new Regex("d3.*d2.*d1"));
        Assert.Equal([null, At1], requests);
        Assert.Equal(3, await visitor.Page.Locator("#live-events li").CountAsync());
    }
}
