using System.Text;
using Dequeue.Contracts;
using Dequeue.Sync.Log;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.Storage.Tests.Log;

/// <summary>What an operator sees of a log is what is stored, and nothing that its user wrote.</summary>
public abstract class InspectionConformance(ITableFixture fixture)
{
    private static int _users;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_counts_events_and_pages_and_shows_the_last_events_across_pages_without_their_payloads()
    {
        var (log, key) = (Open(), NewKey());
        await log.AppendAsync(key, TestEvents.Many(2_500), Cancel);
        for (var i = 0; i < 3; i++)
        {
            await log.AppendAsync(
                key, [TestEvents.One($"last-{i}", $$$"""{"type":"note.kept","id":"last-{{{i}}}","device_id":"phone","ts":"2026-01-0{{{i + 1}}}T00:00:00Z","payload":{"text":"a secret"}}""")], Cancel);
        }

        var head = await log.ReadHeadAsync(key, Cancel);
        var seen = await log.InspectAsync(key, 3, Cancel);

        Assert.Equal((head.Count, head.Last, head.Epoch, head.Digest), (seen.Head.Count, seen.Head.Last, seen.Head.Epoch, seen.Head.Digest));
        Assert.Equal(2_503, seen.Head.Count);
        Assert.Equal((await log.CheckAsync(key, Cancel)).Pages, seen.Pages);
        Assert.InRange(seen.SealedPages, 1, seen.Pages - 1);
        Assert.Equal(["last-0", "last-1", "last-2"], seen.LastEvents.Select(one => one.Id));
        Assert.All(seen.LastEvents, one => Assert.Equal(("note.kept", "phone"), (one.Type, one.Device)));
        Assert.Equal(head.Last, seen.LastEvents[^1].Committed);
        Assert.Equal("2026-01-03T00:00:00Z", seen.LastEvents[^1].DeviceTime);
        Assert.DoesNotContain("secret", seen.ToString() + string.Concat(seen.LastEvents), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1_700)]
    [InlineData(9_999)]
    public async Task It_shows_as_many_of_the_last_events_as_there_are(int last)
    {
        var (log, key) = (Open(), NewKey());
        var events = TestEvents.Many(2_100);
        await log.AppendAsync(key, events, Cancel);

        var seen = await log.InspectAsync(key, last, Cancel);

        Assert.Equal(events.TakeLast(last).Select(one => (one.Id.Value, one.Json.Length)), seen.LastEvents.Select(one => (one.Id!, one.Bytes)));
    }

    [Fact]
    public async Task A_log_that_is_not_there_is_empty_and_has_no_epoch()
    {
        var seen = await Open().InspectAsync(NewKey(), 10, Cancel);
        Assert.Equal((0L, null, 0, 0), (seen.Head.Count, seen.Head.Epoch, seen.Pages, seen.LastEvents.Count));
        Assert.False(seen.IsErasing);
    }

    [Fact]
    public async Task What_is_no_event_is_shown_by_its_place_alone()
    {
        var (log, key) = (Open(), NewKey());
        await log.AppendAsync(key, [new NewEvent(EventId.Parse("odd"), Encoding.UTF8.GetBytes("""{"id":7,"type":["a"],"payload":{}}"""), 1)], Cancel);
        var one = Assert.Single((await log.InspectAsync(key, 10, Cancel)).LastEvents);
        Assert.Equal((null, null, null, null), (one.Id, one.Type, one.Device, one.DeviceTime));
    }

    private EventLog Open() => new(fixture.Table, TimeProvider.System, NullLogger<EventLog>.Instance);

    private static LogKey NewKey() => new(AppId.Parse("dequeue"), UserId.Parse($"inspected-{Interlocked.Increment(ref _users)}"));
}
