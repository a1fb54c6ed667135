using CsCheck;
using Dequeue.Contracts;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Appending;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.Storage.Tests.Log;

/// <summary>Random pushes, retries and reads, against a list in memory.</summary>
public abstract class LogModelConformance(ITableFixture fixture)
{
    /// <summary>What a user and his devices may do.</summary>
    private enum Act
    {
        Push, PushOneByOne, PushBig, PushAgain, PushTogether, ReadOn, CountOn,
    }

    private static int _users;

    private readonly IPartitionedTable _table = fixture.Table;

    protected abstract int Histories { get; }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public Task Any_history_reads_like_the_list_of_its_events()
    {
        var act = Gen.Select(
            Gen.Enum<Act>(),
            Gen.Int[0, 10_000]);
        return act.List[10, 60].SampleAsync(async acts => await RunAsync(acts), iter: Histories, threads: 1);
    }

    private async Task RunAsync(List<(Act Act, int Choice)> acts)
    {
        var table = new CountingTable(_table);
        EventLog[] logs = [Open(table), Open(table)];
        var key = new LogKey(AppId.Parse("model"), UserId.Parse($"user {Interlocked.Increment(ref _users)}"));
        var model = new List<NewEvent>();
        var random = new Random(acts.Sum(act => act.Choice));
        var next = 0;
        foreach (var (act, choice) in acts)
        {
            var log = logs[choice % 2];
            switch (act)
            {
                case Act.Push:
                    await PushAsync(log, Events(1 + choice % 250));
                    break;
                case Act.PushOneByOne:
                    foreach (var e in Events(1 + choice % 35)) await PushAsync(log, [e]);
                    break;
                case Act.PushBig:
                    await PushAsync(log, [.. Enumerable.Range(0, 1 + choice % 6).Select(_ => TestEvents.Sized($"e{next++}", 20_000 + choice * 4, random))]);
                    break;
                case Act.PushAgain:
                    var from = choice % (model.Count + 1);
                    await PushAsync(log, [.. model.Skip(from).Take(150), .. Events(choice % 3)]);
                    break;
                case Act.PushTogether:
                    var pushes = Enumerable.Range(0, 6).Select(i => Events(1 + (choice + i) % 20)).ToList();
                    var together = await Task.WhenAll(pushes.Select((push, i) => logs[i % 2].AppendAsync(key, push, Cancel)));
                    var order = together.Zip(pushes).SelectMany(both => both.First.Committed.Events().Zip(both.Second)).OrderBy(both => both.First.At);
                    model.AddRange(order.Select(both => both.Second));
                    break;
                case Act.ReadOn:
                    var stored = await log.ReadAllAsync(key, Cancel);
                    Assert.Equal(model.Texts(), stored.Select(e => e.Text));
                    if (stored.Count == 0) break;
                    var (after, through) = (choice % stored.Count, choice / 7 % stored.Count);
                    var part = await log.ReadEventsAsync(key, stored[after].At, stored[through].At, Cancel);
                    Assert.Equal(stored.Skip(after + 1).Take(Math.Max(0, through - after)), part);
                    break;
                case Act.CountOn:
                    var head = await log.ReadHeadAsync(key, Cancel);
                    Assert.Equal(model.Count, head.Count);
                    if (model.Count == 0) break;
                    var skip = choice % model.Count;
                    var at = (await log.ReadAllAsync(key, Cancel))[skip].At;
                    Assert.Equal(model.Count - skip - 1, await log.CountAfterAsync(key, head, at, Cancel));
                    break;
            }
        }

        Assert.Equal(model.Texts(), (await logs[0].ReadAllAsync(key, Cancel)).Select(e => e.Text));
        await logs[1].AssertSoundAsync(key, model.Count);
        Assert.True(table.PageEvents <= model.Count * Folding.MaxWritesPerEvent, $"{table.PageEvents} events written for {model.Count}");

        List<NewEvent> Events(int count) => [.. Enumerable.Range(0, count).Select(_ => TestEvents.One($"e{next++}"))];

        async Task PushAsync(EventLog log, List<NewEvent> events)
        {
            var known = model.Select(e => e.Id).ToHashSet();
            var added = events.Where(e => !known.Contains(e.Id)).ToList();
            var result = await log.AppendAsync(key, events, Cancel);
            model.AddRange(added);
            Assert.Equal(events.Count - added.Count, result.AlreadyStored);
            Assert.Equal(added.Texts(), result.Committed.Events().Select(e => e.Text));
            Assert.Equal(model.Count, result.Head.Count);
        }
    }

    private static EventLog Open(IPartitionedTable table) => new(table, TimeProvider.System, NullLogger<EventLog>.Instance);
}
