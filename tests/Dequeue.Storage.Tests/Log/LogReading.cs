using System.Text;
using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;

namespace Dequeue.Storage.Tests.Log;

/// <summary>An event as read back.</summary>
internal sealed record StoredEvent(Checkpoint At, string Text);

internal static class LogReading
{
    public static async Task<List<StoredEvent>> ReadAllAsync(this EventLog log, LogKey key, CancellationToken cancellationToken)
        => await log.ReadEventsAsync(key, Checkpoint.Beginning, (await log.ReadHeadAsync(key, cancellationToken)).Last, cancellationToken);

    public static async Task<List<StoredEvent>> ReadEventsAsync(
        this EventLog log, LogKey key, Checkpoint after, Checkpoint through, CancellationToken cancellationToken)
    {
        var pages = new List<EventPage>();
        await foreach (var page in log.ReadAsync(key, after, through, cancellationToken)) pages.Add(page);
        foreach (var page in pages) Assert.Equal(string.Join(',', new[] { page }.Events().Select(e => e.Text)), Encoding.UTF8.GetString(page.Json.Span));
        return pages.Events();
    }

    /// <summary>Reads a log as a REST client does: page by page, each from the checkpoint of the last.</summary>
    public static async Task<List<StoredEvent>> ReadPagesAsync(this EventLog log, LogKey key, int limit, CancellationToken cancellationToken)
    {
        var all = new List<StoredEvent>();
        var head = await log.ReadHeadAsync(key, cancellationToken);
        while (all.Count < head.Count)
        {
            var pages = new List<EventPage>();
            await foreach (var page in log.ReadAsync(key, all.Count > 0 ? all[^1].At : Checkpoint.Beginning, head.Last, limit, cancellationToken)) pages.Add(page);
            Assert.Equal(Math.Min(limit, head.Count - all.Count), pages.Sum(page => page.Count));
            all.AddRange(pages.Events());
        }

        return all;
    }

    public static List<StoredEvent> Events(this IEnumerable<EventPage> pages)
        => [.. pages.SelectMany(page => Enumerable.Range(0, page.Count).Select(i => new StoredEvent(page.CheckpointAt(i), Encoding.UTF8.GetString(page.EventAt(i).Span))))];

    public static string IdOf(this StoredEvent e) => JsonDocument.Parse(e.Text).RootElement.GetProperty("id").GetString()!;

    public static IEnumerable<string> Texts(this IEnumerable<NewEvent> events) => events.Select(e => Encoding.UTF8.GetString(e.Json.Span));

    /// <summary>Waits until the entities of all sealed pages are indexed, which goes on after an append was answered.</summary>
    public static async Task IndexedAsync(this IPartitionedTable table, LogKey key, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Guard.Time);
        while (!HeadRow.From(await table.GetAsync(LogRows.Partition(key), LogRows.Head, null, timeout.Token)).IsIndexed) await Task.Delay(1, timeout.Token);
    }

    public static async Task AssertSoundAsync(this EventLog log, LogKey key, long events)
    {
        var report = await log.CheckAsync(key, TestContext.Current.CancellationToken);
        Assert.Empty(report.Findings);
        Assert.Equal(events, report.Events);
    }
}
