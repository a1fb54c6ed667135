using System.Text;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Rest;

namespace Dequeue.Contracts.Tests.Rest;

public sealed class EventPageBodyTests
{
    private static readonly Checkpoint At = Checkpoint.FromTicks(new DateTime(2026, 11, 22, 8, 15, 30, DateTimeKind.Utc).Ticks);

    [Theory]
    [InlineData(true, """{"events":[{"id":"a"},{"id":"b"}],"nextCheckpoint":"2026-11-22T08:15:30.0000000Z","hasMore":true}""")]
    [InlineData(false, """{"events":[{"id":"a"},{"id":"b"}],"nextCheckpoint":"2026-11-22T08:15:30.0000000Z","hasMore":false}""")]
    public void Golden(bool hasMore, string golden)
    {
        byte[] page = [.. EventPageBody.Prefix, .. """{"id":"a"},{"id":"b"}"""u8, .. EventPageBody.Suffix(At, hasMore)];

        var read = EventPageBody.Read(page, new SyncEventReader());

        Assert.Equal(golden, Encoding.UTF8.GetString(page));
        Assert.Equal((At, hasMore), (read!.NextCheckpoint, read.HasMore));
        Assert.Equal(["a", "b"], read.Events.Select(next => next.Id));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"events":[],"nextCheckpoint":"2026-11-22T08:15:30Z"}""")]
    [InlineData("""{"events":[],"hasMore":false}""")]
    [InlineData("""{"nextCheckpoint":"2026-11-22T08:15:30Z","hasMore":false}""")]
    [InlineData("""{"events":[],"nextCheckpoint":"2026-11-22T08:15:30Z","hasMore":0}""")]
    [InlineData("""{"events":[],"nextCheckpoint":"later","hasMore":false}""")]
    [InlineData("""{"events":[],"nextCheckpoint":7,"hasMore":false}""")]
    [InlineData("""{"events":[7],"nextCheckpoint":"2026-11-22T08:15:30Z","hasMore":false}""")]
    [InlineData("""{"events":null,"nextCheckpoint":"2026-11-22T08:15:30Z","hasMore":false}""")]
    [InlineData("""{"events":{"events":[],"nextCheckpoint":"2026-11-22T08:15:30Z","hasMore":false}}""")]
    [InlineData("""{"events":[{"events":[],"nextCheckpoint":"2026-11-22T08:15:30Z","hasMore":false}]""")]
    [InlineData("""{"events":[],"nextCheckpoint":"2026-11-22T08:15:30Z","hasMore":false}}""")]
    public void What_is_no_page_is_not_read(string json) => Assert.Null(EventPageBody.Read(Encoding.UTF8.GetBytes(json), new SyncEventReader()));

    [Fact]
    public void Unknown_fields_are_ignored()
        => Assert.NotNull(EventPageBody.Read(
            """{"\ud800":[{}],"x":{"hasMore":true},"hasMore":false,"events":[],"nextCheckpoint":"2026-11-22T08:15:30Z"}"""u8.ToArray(), new SyncEventReader()));
}
