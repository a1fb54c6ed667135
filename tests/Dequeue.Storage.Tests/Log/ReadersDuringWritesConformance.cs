using Dequeue.Contracts;
using Dequeue.Sync.Log;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.Storage.Tests.Log;

/// <summary>Readers that follow a log while writers append to it and fold its pages.</summary>
public abstract class ReadersDuringWritesConformance(ITableFixture fixture)
{
    private readonly EventLog[] _logs = [.. Enumerable.Range(0, 3).Select(_ => new EventLog(fixture.Table, TimeProvider.System, NullLogger<EventLog>.Instance))];

    protected abstract int Pushes { get; }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task See_every_event_once_and_in_order()
    {
        var key = new LogKey(AppId.Parse("readers"), UserId.Parse("one"));
        var events = TestEvents.Many(Pushes * 2);
        using var done = new CancellationTokenSource();

        // One polls by checkpoint; one reads pages of a limited size; one starts over and over in the middle.
        var readers = new[] { FollowAsync(int.MaxValue), FollowAsync(7), FollowAsync(50) };
        var random = RereadAsync();
        var writers = Enumerable.Range(0, 4).Select(async writer =>
        {
            for (var i = writer; i < Pushes; i += 4) await _logs[writer % 2].AppendAsync(key, events.GetRange(2 * i, 2), Cancel);
        });
        await Task.WhenAll(writers);
        await done.CancelAsync();

        var stored = await _logs[2].ReadAllAsync(key, Cancel);
        Assert.Equal(events.Count, stored.Count);
        foreach (var seen in await Task.WhenAll(readers)) Assert.Equal(stored, seen);
        await random;
        await _logs[2].AssertSoundAsync(key, events.Count);

        async Task<List<StoredEvent>> FollowAsync(int limit)
        {
            var seen = new List<StoredEvent>();
            var since = Checkpoint.Beginning;
            for (var last = false; !last;)
            {
                // SQLite answers at once: without a pause the writers would never get their turn.
                await Task.Delay(1, Cancel);
                last = done.IsCancellationRequested;
                var head = await _logs[2].ReadHeadAsync(key, Cancel);
                var expected = await _logs[2].CountAfterAsync(key, head, since, Cancel);
                var before = seen.Count;
                while (since < head.Last)
                {
                    await foreach (var page in _logs[2].ReadAsync(key, since, head.Last, Cancel))
                    {
                        var part = page.Slice(0, Math.Min(limit, page.Count));
                        seen.AddRange(new[] { part }.Events());
                        since = part.Last;
                        if (part.Count < page.Count) break;
                    }
                }

                Assert.Equal(expected, seen.Count - before);
                Assert.Equal(head.Count, seen.Count);
            }

            return seen;
        }

        async Task RereadAsync()
        {
            while (!done.IsCancellationRequested)
            {
                await Task.Delay(1, Cancel);
                var head = await _logs[2].ReadHeadAsync(key, Cancel);
                var all = await _logs[2].ReadEventsAsync(key, Checkpoint.Beginning, head.Last, Cancel);
                Assert.Equal(head.Count, all.Count);
                if (all.Count == 0) continue;
                var middle = all[all.Count / 3].At;
                Assert.Equal(all[(all.Count / 3 + 1)..], await _logs[2].ReadEventsAsync(key, middle, head.Last, Cancel));
            }
        }
    }
}
