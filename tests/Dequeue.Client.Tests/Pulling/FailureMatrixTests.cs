using Dequeue.Client.Tests.Servers;
using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Client.Tests.Pulling;

/// <summary>Whatever goes wrong with the stream, the pull ends with every event stored once, in order, and leaves nothing behind.</summary>
public sealed class FailureMatrixTests
{
    private const string Negotiate = "/apps/dequeue/sync/stream/negotiate";
    private const string Hub = "/client/hubs/sync";
    private const int Events = 950;

    private static readonly Dictionary<string, (Func<StreamScript, Task>? Script, Func<HttpContext, Task<bool>>? Intercept, SyncFailureKind Kind)> Cases = new()
    {
        ["negotiate answers 401"] = (null, Answer(Negotiate, 401), SyncFailureKind.Unauthorized),
        ["negotiate answers 403"] = (null, Answer(Negotiate, 403), SyncFailureKind.Unauthorized),
        ["negotiate answers 404"] = (null, Answer(Negotiate, 404), SyncFailureKind.Refused),
        ["negotiate answers 429"] = (null, Answer(Negotiate, 429), SyncFailureKind.Throttled),
        ["negotiate answers 500"] = (null, Answer(Negotiate, 500), SyncFailureKind.ServerError),
        ["negotiate never answers"] = (null, Hang(Negotiate), SyncFailureKind.TimedOut),
        ["negotiate answers slowly"] = (null, Drip(Negotiate), SyncFailureKind.TimedOut),
        ["negotiate answers garbage"] = (null, Write(Negotiate, "<html>"), SyncFailureKind.BadAnswer),
        ["negotiate answers without a url"] = (null, Write(Negotiate, "{}"), SyncFailureKind.BadAnswer),
        ["negotiate answers with another scheme"] = (null, Write(Negotiate, """{"url":"file:///etc/passwd"}"""), SyncFailureKind.BadAnswer),
        ["negotiate leads to a closed port"] = (null, Write(Negotiate, """{"url":"ws://127.0.0.1:1/x"}"""), SyncFailureKind.Unreachable),
        ["the upgrade answers 401"] = (null, Answer(Hub, 401), SyncFailureKind.Unauthorized),
        ["the upgrade answers 403"] = (null, Answer(Hub, 403), SyncFailureKind.Unauthorized),
        ["the upgrade answers 404"] = (null, Answer(Hub, 404), SyncFailureKind.Refused),
        ["the upgrade answers 426"] = (null, Answer(Hub, 426), SyncFailureKind.Refused),
        ["the upgrade answers 429"] = (null, Answer(Hub, 429), SyncFailureKind.Throttled),
        ["the upgrade answers 500"] = (null, Answer(Hub, 500), SyncFailureKind.ServerError),
        ["the upgrade answers 200"] = (null, Write(Hub, "hello"), SyncFailureKind.Refused),
        ["the upgrade never answers"] = (null, Hang(Hub), SyncFailureKind.TimedOut),
        ["it says nothing"] = (static script => Task.Delay(Timeout.Infinite, script.Gone), null, SyncFailureKind.TimedOut),
        ["it falls silent between batches"] = (static async script =>
        {
            await script.StartAsync();
            await script.BatchAsync(0);
            await Task.Delay(Timeout.Infinite, script.Gone);
        }, null, SyncFailureKind.TimedOut),
        ["it sends a message a byte at a time"] = (static async script =>
        {
            await script.StartAsync();
            foreach (var one in script.Batch(0))
            {
                await script.SendAsync([one], whole: false);
                await Task.Delay(10, script.Gone);
            }
        }, null, SyncFailureKind.TimedOut),
        ["it closes before start"] = (static script => script.CloseAsync(), null, SyncFailureKind.Unreachable),
        ["it is cut before start"] = (static script => Cut(script), null, SyncFailureKind.Unreachable),
        ["it is cut in a batch"] = (static async script =>
        {
            await script.StartAsync();
            await script.BatchAsync(0);
            await script.SendAsync(script.Batch(1)[..^500], whole: false);
            await Cut(script);
        }, null, SyncFailureKind.Unreachable),
        ["it closes in half a frame"] = (static async script =>
        {
            await script.StartAsync();
            await script.SendAsync(script.Batch(0)[..^500], whole: false);
            await script.CloseAsync();
        }, null, SyncFailureKind.Unreachable),
        ["it closes before complete"] = (static async script =>
        {
            await script.StartAsync();
            for (var index = 0; index < script.Batches; index++) await script.BatchAsync(index);
            await script.CloseAsync();
        }, null, SyncFailureKind.Unreachable),
        ["it ends in an error"] = (static async script =>
        {
            await script.StartAsync();
            await script.BatchAsync(0);
            await script.SendAsync(new StreamMessage.Error("the database is down", ErrorCodes.DbError).ToUtf8Bytes());
        }, null, SyncFailureKind.ServerError),
        ["start has a total of 1.0"] = Says("""{"type":"sync.stream.start","totalEvents":1.0}"""),
        ["start has a total in quotes"] = Says("""{"type":"sync.stream.start","totalEvents":"1"}"""),
        ["start has a negative total"] = Says("""{"type":"sync.stream.start","totalEvents":-1}"""),
        ["a message has no type"] = Says("""{"totalEvents":1}"""),
        ["a message is an array"] = Says("[]"),
        ["a message is empty"] = Says(""),
        ["a message is no UTF-8"] = (static script => script.SendAsync([0x7B, 0xFF, 0xFE, 0x7D]), null, SyncFailureKind.BadAnswer),
        ["a message is too large"] = (static script => script.SendAsync(new byte[5 * 1024 * 1024]), null, SyncFailureKind.BadAnswer),
        ["a batch comes before start"] = (static script => script.BatchAsync(0), null, SyncFailureKind.BadAnswer),
        ["complete comes before start"] = (static script => script.CompleteAsync(), null, SyncFailureKind.BadAnswer),
        ["start comes twice"] = (static async script =>
        {
            await script.StartAsync();
            await script.StartAsync();
        }, null, SyncFailureKind.BadAnswer),
        ["an event is no object"] = AfterStart("""{"type":"sync.stream.batch","batchIndex":0,"isLast":true,"events":[1]}"""),
        ["isLast is in quotes"] = AfterStart("""{"type":"sync.stream.batch","batchIndex":0,"isLast":"true","events":[]}"""),
        ["batchIndex is missing"] = AfterStart("""{"type":"sync.stream.batch","isLast":true,"events":[]}"""),
        ["batches are empty for ever"] = AfterStart("""{"type":"sync.stream.batch","batchIndex":0,"isLast":false,"events":[]}"""),
        ["unknown messages come for ever"] = (static async script =>
        {
            await script.StartAsync();
            while (!script.Gone.IsCancellationRequested) await script.SendAsync("""{"type":"sync.stream.hello"}""");
        }, null, SyncFailureKind.BadAnswer),
        ["a batch is missing"] = Batches(0, 1, 3, 4, 5, 6, 7, 8, 9),
        ["batches are reordered"] = Batches(0, 2, 1, 3, 4, 5, 6, 7, 8, 9),
        ["a batch comes after the last"] = (static async script =>
        {
            await script.StartAsync();
            await script.SendAsync(script.Batch(0, isLast: true));
            await script.BatchAsync(1);
        }, null, SyncFailureKind.BadAnswer),
        ["no batch is the last"] = (static async script =>
        {
            await script.StartAsync();
            for (var index = 0; index < script.Batches; index++) await script.SendAsync(script.Batch(index, isLast: false));
            await script.CompleteAsync();
        }, null, SyncFailureKind.BadAnswer),
        ["complete counts one less"] = Counts(processed: Events - 1),
        ["start counts one more"] = Counts(total: Events + 1),
        ["start counts a tenth"] = Counts(total: Events / 10),
        ["the digest is wrong"] = Counts(digest: new string('0', 64)),
        ["an event was changed on the way"] = (static async script =>
        {
            await script.StartAsync();
            for (var index = 0; index < script.Batches; index++)
            {
                var batch = script.Batch(index);
                if (index == 3) batch.AsSpan()[batch.AsSpan().IndexOf("\"payload_version\":2"u8) + 18] = (byte)'3';
                await script.SendAsync(batch);
            }

            await script.CompleteAsync();
        }, null, SyncFailureKind.BadAnswer),
        ["an event is left out"] = (static async script =>
        {
            await script.StartAsync(Events - 1);
            for (var index = 0; index < script.Batches; index++) await script.SendAsync(index == 4 ? script.Without(index, 50) : script.Batch(index));
            await script.CompleteAsync(Events - 1);
        }, null, SyncFailureKind.BadAnswer),
        ["a repeated window was cut differently"] = (static async script =>
        {
            await script.StartAsync();
            await script.BatchAsync(0);
            await script.BatchAsync(1);
            await script.SendAsync(script.Batch(2, asIndex: 1));
        }, null, SyncFailureKind.BadAnswer),
    };

    /// <summary>The streams that were open and were cut: they are asked for once more, and fail again.</summary>
    private static readonly string[] AskedAgain =
    [
        "it closes before start", "it is cut before start", "it falls silent between batches", "it sends a message a byte at a time", "it is cut in a batch", "it closes in half a frame", "it closes before complete",
    ];

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Pages_carry_on_when(string name)
    {
        var (script, intercept, kind) = Cases[name];
        await using var server = await TestServer.StartAsync(Events);
        (server.Script, server.Intercept) = (script, intercept);
        var isAboutTime = kind == SyncFailureKind.TimedOut;
        var options = server.Options with
        {
            ConnectTimeout = isAboutTime ? TimeSpan.FromSeconds(0.5) : TimeSpan.FromSeconds(30),
            IdleTimeout = isAboutTime ? TimeSpan.FromSeconds(0.5) : TimeSpan.FromSeconds(30),
        };
        var (store, time, logs) = (new InMemoryEventStore(), new CountingTime(), new LogList<SyncManager>());
        using (var sync = new SyncManager(options, store, static (_, _) => ValueTask.FromResult(TestServer.Token), time: time, logger: logs))
        {
            var result = await sync.PullAsync(cancellationToken: TestContext.Current.CancellationToken);

            Assert.Equal(SyncTransport.Rest, result.Transport);
            Assert.Equal(kind, result.StreamFailure!.Kind);
            if (kind == SyncFailureKind.Throttled) Assert.Equal(TimeSpan.FromHours(1), result.StreamFailure.RetryAfter);
            Assert.Equal((Events, Events), (result.Events, result.Added));
            Assert.Equal(server.Head, result.Checkpoint);
            Assert.Equal(server.Digest(), store.Digest());
            Assert.Equal(AskedAgain.Contains(name) ? 1 : 0, result.Resumes);
            Assert.Equal(1 + result.Resumes, logs.Entries.Count);
            Assert.DoesNotContain("secret", string.Join('\n', logs.Entries) + result, StringComparison.Ordinal);
        }

        await time.NoTimersAsync();
        await server.NoSocketsAsync();
    }

    [Fact]
    public async Task Batches_repeated_as_they_were_do_no_harm()
    {
        await using var server = await TestServer.StartAsync(Events);
        server.Script = static async script =>
        {
            await script.StartAsync();
            for (var index = 0; index < script.Batches; index++)
            {
                await script.BatchAsync(index);
                if (index % 3 == 2) await script.BatchAsync(index - 2);
            }

            await script.CompleteAsync();
        };
        var store = new InMemoryEventStore();
        using var sync = new SyncManager(server.Options, store, static (_, _) => ValueTask.FromResult(TestServer.Token));

        var result = await sync.PullAsync(cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal((SyncTransport.Stream, Events, true), (result.Transport, (int)result.Events, result.DigestVerified));
        Assert.Equal(server.Digest(), store.Digest());
    }

    private static Func<HttpContext, Task<bool>> Answer(string path, int status)
        => async context =>
        {
            if (context.Request.Path != path) return false;
            await TestServer.ProblemAsync(context, status, ErrorCodes.Internal, retryAfter: "3600");
            return true;
        };

    private static Func<HttpContext, Task<bool>> Write(string path, string body)
        => async context =>
        {
            if (context.Request.Path != path) return false;
            await context.Response.WriteAsync(body);
            return true;
        };

    private static Func<HttpContext, Task<bool>> Hang(string path)
        => async context =>
        {
            if (context.Request.Path != path) return false;
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(static _ => { }, TaskScheduler.Default);
            return true;
        };

    private static Func<HttpContext, Task<bool>> Drip(string path)
        => async context =>
        {
            if (context.Request.Path != path) return false;
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.WriteAsync(" ");
                await context.Response.Body.FlushAsync();
                await Task.Delay(10, CancellationToken.None);
            }

            return true;
        };

    private static (Func<StreamScript, Task>, Func<HttpContext, Task<bool>>?, SyncFailureKind) Says(string message)
        => (script => script.SendAsync(message), null, SyncFailureKind.BadAnswer);

    private static (Func<StreamScript, Task>, Func<HttpContext, Task<bool>>?, SyncFailureKind) AfterStart(string message)
        => (async script =>
        {
            await script.StartAsync();
            await script.SendAsync(message);
        }, null, SyncFailureKind.BadAnswer);

    private static (Func<StreamScript, Task>, Func<HttpContext, Task<bool>>?, SyncFailureKind) Batches(params int[] order)
        => (async script =>
        {
            await script.StartAsync();
            foreach (var index in order) await script.BatchAsync(index);
            await script.CompleteAsync();
        }, null, SyncFailureKind.BadAnswer);

    private static (Func<StreamScript, Task>, Func<HttpContext, Task<bool>>?, SyncFailureKind) Counts(
        long? total = null, long? processed = null, string? digest = null)
        => (async script =>
        {
            await script.StartAsync(total);
            for (var index = 0; index < script.Batches; index++) await script.BatchAsync(index);
            await script.CompleteAsync(processed, digest);
        }, null, SyncFailureKind.BadAnswer);

    private static Task Cut(StreamScript script)
    {
        script.Cut();
        return Task.CompletedTask;
    }
}
