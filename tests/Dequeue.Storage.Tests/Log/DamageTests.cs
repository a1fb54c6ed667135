using Dequeue.Contracts;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Entities;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.Storage.Tests.Log;

/// <summary>Rows that were damaged: each kind is found by the check, and no read passes it over in silence.</summary>
public sealed class DamageTests(SqliteFixture fixture) : IClassFixture<SqliteFixture>
{
    private static int _users;

    private readonly EventLog _log = new(fixture.Table, TimeProvider.System, NullLogger<EventLog>.Instance);
    private readonly LogKey _key = new(AppId.Parse("damaged"), UserId.Parse($"user{Interlocked.Increment(ref _users)}"));

    private string Partition => LogRows.Partition(_key);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_missing_page_in_the_middle()
    {
        await PrepareAsync();
        var page = (await PagesAsync())[2];
        await CommitAsync(new RowOperation.Delete(page.Key));
        await AssertFoundAsync("should begin after", "has no event", "The head counts", "list of tail pages");
        await AssertUnreadableAsync("Events are missing after");
    }

    [Fact]
    public async Task A_missing_last_page()
    {
        await PrepareAsync();
        await CommitAsync(new RowOperation.Delete((await PagesAsync())[^1].Key));
        await AssertFoundAsync("the pages end at", "The head counts");
        await AssertUnreadableAsync("Events are missing after");
    }

    [Theory]
    [InlineData("c", "checksum")]
    [InlineData("d00", "")]
    [InlineData("m", "list of events")]
    [InlineData("n", "list of events")]
    [InlineData("z", "list of events")]
    [InlineData("f", "list of events")]
    public async Task A_page_with_a_wrong_value(string property, string finding)
    {
        await PrepareAsync();
        var page = (await PagesAsync())[1];
        await ChangeAsync(page, property);
        await AssertFoundAsync(finding, "The page p");
        await AssertUnreadableAsync("The page p");
    }

    [Fact]
    public async Task A_page_with_another_content_of_the_right_length_and_checksum()
    {
        await PrepareAsync();
        var old = (await PagesAsync())[1];
        var page = PageFormat.Decode(old);
        var json = page.Json.ToArray();
        json[^2] ^= 1;
        var row = PageFormat.Encode(new EventPage(page.Before, json, [.. Enumerable.Range(0, page.Count).Select(i => i == 0 ? page.EventAt(0).Length : page.Slice(0, i + 1).Json.Length)], [.. Enumerable.Range(0, page.Count).Select(i => page.CheckpointAt(i).Ticks)]));
        row.Set("h", old.BytesOf("h")!.Value);
        await CommitAsync(new RowOperation.Replace(row, null));
        await AssertFoundAsync("The digest of page");
    }

    [Fact]
    public async Task A_page_that_counts_wrongly()
    {
        await PrepareAsync();
        await ChangeAsync((await PagesAsync())[1], "b");
        await AssertFoundAsync("should begin after");
        await AssertUnreadableAsync("Events are missing after");
    }

    [Theory]
    [InlineData("n", "The head row's digest does not fit")]
    [InlineData("h", "The head's digest is not that of the events")]
    [InlineData("z", "The head row's digest does not fit")]
    [InlineData("s", "The head says that a page ends at")]
    [InlineData("x", "The head says that a page ends at")]
    [InlineData("a", "The head names another active stack")]
    [InlineData("id", "another event than the last")]
    [InlineData("tail", "tail pages")]
    public async Task A_head_with_a_wrong_value(string property, string finding)
    {
        await PrepareAsync();
        await ChangeAsync((await fixture.Table.GetAsync(Partition, "head", null, Cancel))!, property);
        await AssertFoundAsync(finding);
    }

    [Fact]
    public async Task A_missing_an_additional_and_a_wrong_id_row()
    {
        await PrepareAsync();
        var ids = (await fixture.Table.QueryAsync(Partition, new RowQuery("i", "j", 9), Cancel)).Rows;
        await CommitAsync(new RowOperation.Delete(ids[0].Key));
        await ChangeAsync(ids[1], "t");
        await CommitAsync(new RowOperation.Insert(IdRow.Create(EventId.Parse("ghost"), Checkpoint.FromTicks(Checkpoint.Beginning.Ticks + 5))));
        await AssertFoundAsync("has no id row", "its event was committed at", "The id row of ghost has no event");
    }

    [Fact]
    public async Task A_missing_an_additional_and_a_wrong_index_row()
    {
        await PrepareAsync();
        var rows = (await fixture.Table.QueryAsync(Partition, new RowQuery(LogRows.BeforeEntities, LogRows.AfterEntities, 9), Cancel)).Rows;
        await CommitAsync(new RowOperation.Delete(rows[0].Key));
        await ChangeAsync(rows[1], "m");
        await CommitAsync(new RowOperation.Insert(new TableRow(LogRows.Entity(EntityKey.Of("ghost"), LogRows.EntityPageTick(rows[0].Key)!.Value)).Set("m", new byte[] { 0, 0 })));
        await AssertFoundAsync($"{rows[0].Key} is missing", $"{rows[1].Key} does not say what its page holds", "has no events");
    }

    [Fact]
    public async Task A_head_whose_bytes_are_counted_wrongly_by_whole_blocks()
    {
        await PrepareAsync();
        var head = (await fixture.Table.GetAsync(Partition, "head", null, Cancel))!;
        await CommitAsync(new RowOperation.Replace(head.Set("z", head.LongOf("z")!.Value + 64), head.ETag));
        await AssertFoundAsync("bytes, the events have", "The head's digest is not that of the events");
    }

    [Fact]
    public async Task Writers_do_not_append_to_a_tail_that_is_not_there()
    {
        for (var i = 0; i < 15; i++) await _log.AppendAsync(_key, [TestEvents.One($"e{i}")], Cancel);
        await CommitAsync(new RowOperation.Delete((await PagesAsync())[3].Key));
        await Assert.ThrowsAsync<LogCorruptException>(() => _log.AppendAsync(_key, [TestEvents.One("e15")], Cancel));
        Assert.Equal(15, (await _log.ReadHeadAsync(_key, Cancel)).Count);
    }

    private async Task PrepareAsync()
    {
        var events = TestEvents.Many(1070);
        await _log.AppendAsync(_key, events[..1000], Cancel);
        foreach (var push in events[1000..].Chunk(14)) await _log.AppendAsync(_key, push, Cancel);
        await fixture.Table.IndexedAsync(_key, Cancel);
        await _log.AssertSoundAsync(_key, 1070);
        Assert.Equal(6, (await PagesAsync()).Count);
    }

    private async Task<IReadOnlyList<TableRow>> PagesAsync() => (await fixture.Table.QueryAsync(Partition, new RowQuery("p", "q", 100), Cancel)).Rows;

    private Task ChangeAsync(TableRow row, string property)
    {
        var changed = new TableRow(row.Key);
        foreach (var (name, value) in row.Properties)
        {
            _ = value switch
            {
                int number => changed.Set(name, name == property ? number + 1 : number),
                long number => changed.Set(name, name == property ? number + 1 : number),
                string text => changed.Set(name, name == property ? text + "x" : text),
                ReadOnlyMemory<byte> bytes => changed.Set(name, name == property ? (byte[])[(byte)(bytes.Span[0] ^ 0x15), .. bytes.Span[1..]] : bytes),
                _ => changed,
            };
        }

        return CommitAsync(new RowOperation.Replace(changed, row.ETag));
    }

    private async Task CommitAsync(RowOperation operation) => Assert.IsType<CommitOutcome.Committed>(await fixture.Table.CommitAsync(Partition, [operation], Cancel));

    private async Task AssertFoundAsync(params string[] findings)
    {
        var report = await _log.CheckAsync(_key, Cancel);
        foreach (var finding in findings) Assert.Contains(report.Findings, found => found.Contains(finding, StringComparison.Ordinal));
    }

    private async Task AssertUnreadableAsync(string message)
    {
        var head = await _log.ReadHeadAsync(_key, Cancel);
        var e = await Assert.ThrowsAsync<LogCorruptException>(() => _log.ReadEventsAsync(_key, Checkpoint.Beginning, head.Last, Cancel));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("damaged:user", e.Message, StringComparison.Ordinal);
    }
}
