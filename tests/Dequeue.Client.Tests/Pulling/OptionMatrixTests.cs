using Dequeue.Client.Tests.Servers;
using Dequeue.Contracts.Streaming;
using Dequeue.Contracts.Streaming.Deltas;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Client.Tests.Pulling;

/// <summary>With each option, and with all of them: a stream that ends, repeats or is spoiled at any message loses and doubles nothing.</summary>
public sealed class OptionMatrixTests
{
    private const int Events = 1000;

    private static readonly Dictionary<string, Func<SyncOptions, SyncOptions>> Options = new()
    {
        ["plain"] = static options => options with { Encodings = [] },
        ["window"] = static options => options with { Window = 2 },
        ["deltas"] = static options => options with { Delta = true },
        ["references"] = static options => options with { References = true },
        ["all"] = static options => options with { Window = 3, Delta = true, References = true, Encodings = ["zstd", "br", "gzip"], BatchSize = 100 },
    };

    public static TheoryData<string, bool, bool> Cases
        => [.. Options.Keys.SelectMany(static name => new (string, bool, bool)[] { (name, false, true), (name, false, false), (name, true, true), (name, true, false) })];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_cut_at_any_message_loses_and_doubles_nothing(string name, bool inTheMiddle, bool goesOn)
    {
        await using var server = await TestServer.StartAsync(Events);
        for (var at = 0; at <= 12; at++)
        {
            var (cut, asked) = (at, 0);
            await PullAsync(server, name, async (script, messages) =>
            {
                if (asked++ > 0)
                {
                    if (!goesOn) script.Cut();
                    else foreach (var message in messages) await script.SendAsync(message);
                    return;
                }

                for (var i = 0; i < cut && i < messages.Count; i++) await script.SendAsync(messages[i]);
                if (cut >= messages.Count) return;
                if (inTheMiddle) await script.SendAsync(messages[cut][..(messages[cut].Length / 2)], whole: false);
                script.Cut();
            }, at == 12 || goesOn ? SyncTransport.Stream : SyncTransport.Rest);
        }
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("window")]
    [InlineData("references")]
    public async Task A_message_that_comes_again_loses_and_doubles_nothing(string name)
    {
        await using var server = await TestServer.StartAsync(Events);
        for (var at = 1; at < 11; at++)
        {
            var again = at;
            await PullAsync(server, name, async (script, messages) =>
            {
                messages.Insert(again + 1, messages[again]);
                foreach (var message in messages) await script.SendAsync(message);
            }, SyncTransport.Stream);
        }
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("window")]
    [InlineData("deltas")]
    [InlineData("references")]
    [InlineData("all")]
    public async Task A_message_that_is_lost_or_swapped_loses_and_doubles_nothing(string name)
    {
        await using var server = await TestServer.StartAsync(Events);
        for (var at = 0; at < 11; at++)
        {
            var place = at;
            await PullAsync(server, name, async (script, messages) =>
            {
                messages.RemoveAt(place);
                foreach (var message in messages) await script.SendAsync(message);
                await script.CloseAsync();
            }, SyncTransport.Rest);
            await PullAsync(server, name, async (script, messages) =>
            {
                (messages[place], messages[place + 1]) = (messages[place + 1], messages[place]);
                foreach (var message in messages) await script.SendAsync(message);
                await script.CloseAsync();
            }, SyncTransport.Rest);
        }
    }

    [Theory]
    [InlineData("references")]
    [InlineData("all")]
    public async Task Pages_that_fail_together_with_the_stream_lose_and_double_nothing(string name)
    {
        await using var server = await TestServer.StartAsync(Events);
        for (var at = 0; at <= 12; at++)
        {
            var (cut, calls, asked) = (at, 0, 0);
            server.Intercept = context =>
            {
                if (!context.Request.Path.StartsWithSegments("/blobs", StringComparison.Ordinal) || Interlocked.Increment(ref calls) % 2 == 0) return Task.FromResult(false);
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                return Task.FromResult(true);
            };
            await PullAsync(server, name, async (script, messages) =>
            {
                if (asked++ > 0) cut = 0;
                for (var i = 0; i < cut && i < messages.Count; i++) await script.SendAsync(messages[i]);
                if (cut < messages.Count) await script.CloseAsync();
            }, at == 12 ? SyncTransport.Stream : SyncTransport.Rest);
        }
    }

    private static async Task PullAsync(TestServer server, string name, Func<StreamScript, List<byte[]>, Task> send, SyncTransport transport)
    {
        server.Script = script => send(script, Messages(script));
        var (store, time) = (new RecordingStore(), new CountingTime());
        using (var sync = new SyncManager(Options[name](server.Options), store, static (_, _) => ValueTask.FromResult(TestServer.Token), time: time))
        {
            var result = await sync.PullAsync(cancellationToken: Cancelled);

            Assert.Equal(transport, result.Transport);
            Assert.Equal((Events, Events, Events), ((int)result.Events, (int)result.Added, store.Received));
            Assert.Equal(server.Head, result.Checkpoint);
            Assert.Equal(server.Digest(), store.Inner.Digest());
        }

        await time.NoTimersAsync();
        await server.NoSocketsAsync();
    }

    // What a server sends for a request: start, ten batches, complete.
    private static List<byte[]> Messages(StreamScript script)
    {
        var deltas = script.Request.Delta ? new DeltaEncoder() : null;
        List<byte[]> messages = [new StreamMessage.Start(script.Total).ToUtf8Bytes()];
        for (var index = 0; index < script.Batches; index++)
            messages.Add(script.Request.References && index is > 0 and < 9 ? script.Referring(index, 30) : deltas is null ? script.Batch(index) : script.Patched(index, deltas));
        messages.Add(script.Complete(withDigest: true));
        return messages;
    }
}
