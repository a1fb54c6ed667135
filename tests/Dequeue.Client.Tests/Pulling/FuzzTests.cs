using Dequeue.Client.Tests.Servers;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Client.Tests.Pulling;

public sealed class FuzzTests
{
    [Fact]
    public async Task Whatever_is_doubled_dropped_swapped_or_cut_the_history_ends_up_right()
    {
        await using var server = await TestServer.StartAsync(400);
        server.BatchSize = 40;
        var byStream = 0;
        for (var seed = 1; seed <= 300; seed++)
        {
            var random = new Random(seed);
            server.Script = script => SpoilAsync(script, random);
            var (store, time) = (new InMemoryEventStore(), new CountingTime());
            // Some devices begin in the middle.
            if (random.Next(3) == 0) await BeginAsync(server, store, random.Next(1, 399));
            server.HasDigests = random.Next(2) == 0;
            var options = server.Options with { Window = random.Next(3) == 0 ? random.Next(1, 9) : null };
            using (var sync = new SyncManager(options, store, static (_, _) => ValueTask.FromResult(TestServer.Token), time: time))
            {
                var result = await sync.PullAsync(cancellationToken: TestContext.Current.CancellationToken);
                if (result.Transport == SyncTransport.Stream) byStream++;
                Assert.True(server.Head == result.Checkpoint, $"seed {seed}");
            }

            Assert.True(server.Digest() == store.Digest(), $"seed {seed}");
            await time.NoTimersAsync();
        }

        // Both ends are reached: harmless spoiling is forgiven, the rest is not.
        Assert.InRange(byStream, 10, 200);
        await server.NoSocketsAsync();
    }

    private static async Task BeginAsync(TestServer server, InMemoryEventStore store, int events)
    {
        var frame = StreamScript.Frame(server.Log[..events], 0, true, TestServer.At(events - 1));
        var batch = Assert.IsType<StreamMessage.Batch>(new StreamMessageReader().Read(frame, out _));
        await store.SaveAsync(batch.Events, batch.Checkpoint, CancellationToken.None);
    }

    private static async Task SpoilAsync(StreamScript script, Random random)
    {
        var withCheckpoints = random.Next(3) > 0;
        var withDigest = random.Next(2) == 0;
        var messages = new List<byte[]> { new StreamMessage.Start(script.Total).ToUtf8Bytes() };
        for (var index = 0; index < script.Batches; index++) messages.Add(script.Batch(index, withCheckpoint: withCheckpoints));
        messages.Add(script.Complete(withDigest));
        for (var spoils = random.Next(4); spoils > 0 && messages.Count > 1; spoils--)
        {
            var at = random.Next(messages.Count);
            var other = random.Next(messages.Count);
            switch (random.Next(7))
            {
                case 0: messages.Insert(other, messages[at]); break;
                case 1: messages.RemoveAt(at); break;
                case 2: (messages[at], messages[other]) = (messages[other], messages[at]); break;
                case 3: messages.RemoveRange(at, messages.Count - at); break;
                case 4: messages[at] = messages[at][..random.Next(messages[at].Length)]; break;
                case 5: messages.Insert(at, """{"type":"sync.stream.later","x":[1,{}]}"""u8.ToArray()); break;
                case 6: messages.Insert(at + 1, messages[at]); break;
            }
        }

        foreach (var message in messages) await script.SendAsync(message, asText: random.Next(2) == 0);
        await script.CloseAsync();
    }
}
