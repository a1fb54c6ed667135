using System.Text;
using Dequeue.Client.Tests.Servers;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Client.Tests.Pulling;

/// <summary>What is asked for first is there first, and nothing is lost or doubled for it.</summary>
public sealed class PriorityTests
{
    /// <summary>The script makes every seventh event one of those asked for.</summary>
    private const int Every = 7, Events = 950, First = (Events + Every - 1) / Every;

    private static readonly TokenProvider Tokens = static (_, _) => ValueTask.FromResult(TestServer.Token);
    private readonly InMemoryEventStore _store = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_app_learns_at_once_that_what_it_asked_for_is_saved()
    {
        await using var server = await TestServer.StartAsync(Events);
        server.Script = script => SendAsync(server, script);
        var reports = new List<(SyncProgress Report, int Held)>();
        using var sync = new SyncManager(Wishing(server), _store, Tokens);

        var result = await sync.PullAsync(new Reports(report => reports.Add((report, _store.Events.Count))), Cancelled);

        var ready = Assert.Single(reports, static one => one.Report.Phase == SyncPhase.Ready);
        Assert.Equal((First, First, Events), ((int)ready.Report.Processed, ready.Held, (int)ready.Report.Total!));
        Assert.InRange(result.ReadySeconds!.Value, 0, result.Seconds);
        Assert.Equal((SyncTransport.Stream, Events, Events, true), (result.Transport, (int)result.Events, (int)result.Added, result.DigestVerified));
        Assert.Equal(server.Head, result.Checkpoint);
        Assert.Equal(Texts(Ordered(server)), Held());
    }

    [Fact]
    public async Task The_wish_goes_out_as_the_protocol_says()
    {
        await using var server = await TestServer.StartAsync(10);
        var asked = "";
        server.Script = script =>
        {
            asked = Encoding.UTF8.GetString(script.Request.ToUtf8Bytes());
            return SendAsync(server, script);
        };
        using var sync = new SyncManager(
            Wishing(server) with { Window = 8, BatchSize = 100, Delta = true, References = true, Encodings = ["zstd", "br"], Priority = new StreamPriority(["é\"", "b"], true) }, _store, Tokens);

        await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal(
            """{"type":"sync.stream.request","since":"1970-01-01T00:00:00.0000000Z","position":0,"window":8,"batchSize":100,"delta":true,"references":true,"priority":{"entityIds":["é\"","b"],"active":true},"encodings":["zstd","br"]}""",
            asked);
    }

    [Fact]
    public async Task After_a_cut_at_any_message_every_event_is_there_once_and_counted_once()
    {
        await using var server = await TestServer.StartAsync(Events);
        for (var messages = 0; messages <= 14; messages++)
        {
            var left = messages;
            server.Script = script => SendAsync(server, script, () => left-- > 0);
            var before = server.Asked.Count;
            var store = new InMemoryEventStore();
            using var sync = new SyncManager(Wishing(server), store, Tokens);

            var result = await sync.PullAsync(cancellationToken: Cancelled);

            // start, two batches that come first, ready, nine others, complete.
            Assert.Equal(messages < 14 ? SyncTransport.Rest : SyncTransport.Stream, result.Transport);
            Assert.Equal(messages >= 4, result.ReadySeconds is not null);
            Assert.Equal((Events, Events), (result.Events, result.Added));
            Assert.Equal(Texts(server.Log).Order(), store.Events.Select(static json => Encoding.UTF8.GetString(json.Span)).Order());
            // What came first moved no position.
            if (messages < 14) Assert.Equal(messages <= 4, server.Asked[before + 1] == server.Asked[before]);
        }
    }

    [Fact]
    public async Task A_server_that_knows_no_priority_sends_all_in_order()
    {
        await using var server = await TestServer.StartAsync(Events);
        using var sync = new SyncManager(Wishing(server), _store, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((SyncTransport.Stream, null, Events), (result.Transport, result.ReadySeconds, (int)result.Added));
        Assert.Equal(server.Digest(), _store.Digest());
    }

    [Fact]
    public async Task A_wrong_stream_with_priority_comes_anew_as_a_whole()
    {
        await using var server = await TestServer.StartAsync(Events);
        server.Script = script => SendAsync(server, script, digest: new string('0', 64));
        using var sync = new SyncManager(Wishing(server), _store, Tokens);

        var result = await sync.PullAsync(cancellationToken: Cancelled);

        Assert.Equal((SyncTransport.Rest, Events, Events, Events), (result.Transport, server.Paged, (int)result.Events, (int)result.Added));
        Assert.Equal(server.Digest(), _store.Digest());
    }

    private static SyncOptions Wishing(TestServer server) => server.Options with { Priority = new StreamPriority(["task-1"], false) };

    private static IEnumerable<byte[]> Ordered(TestServer server)
        => server.Log.Where(static (_, i) => i % Every == 0).Concat(server.Log.Where(static (_, i) => i % Every != 0));

    private static async Task SendAsync(TestServer server, StreamScript script, Func<bool>? goesOn = null, string? digest = null)
    {
        var index = 0;
        List<byte[]> messages = [new StreamMessage.Start(script.Total, PriorityEvents: (script.Total + Every - 1) / Every).ToUtf8Bytes()];
        foreach (var part in Places(script.Total, first: true).Chunk(100))
            messages.Add(StreamScript.Frame([.. part.Select(i => server.Log[i])], new BatchHead(index++, part[^1] == script.Total - 1, script.Request.Since) { IsPriority = true }));
        messages.Add(new StreamMessage.Ready((script.Total + Every - 1) / Every).ToUtf8Bytes());
        foreach (var part in Places(script.Total, first: false).Chunk(100))
            messages.Add(StreamScript.Frame([.. part.Select(i => server.Log[i])], new BatchHead(index++, part[^1] == Places(script.Total, first: false).Last(), TestServer.At(part[^1]))));
        messages.Add(new StreamMessage.Complete(script.Total, server.Head, digest ?? TestServer.DigestOf(Ordered(server))).ToUtf8Bytes());
        foreach (var message in messages)
        {
            if (goesOn is not null && !goesOn())
            {
                await script.CloseAsync();
                return;
            }

            await script.SendAsync(message);
        }
    }

    private static IEnumerable<int> Places(int total, bool first) => Enumerable.Range(0, total).Where(i => i % Every == 0 == first);

    private List<string> Held() => [.. _store.Events.Select(static json => Encoding.UTF8.GetString(json.Span))];

    private static List<string> Texts(IEnumerable<byte[]> events) => [.. events.Select(Encoding.UTF8.GetString)];

    private sealed class Reports(Action<SyncProgress> report) : IProgress<SyncProgress>
    {
        public void Report(SyncProgress value) => report(value);
    }
}
