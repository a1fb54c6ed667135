using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Log;

/// <summary>What a check found.</summary>
/// <param name="Events">Events up to the head.</param>
/// <param name="Pages">Page rows that hold them.</param>
/// <param name="Digest">The <see cref="EventDigest"/> of the whole history.</param>
/// <param name="Findings">What is wrong, one sentence each, at most <see cref="LogCheck.MaxFindings"/>; empty when all is well.</param>
public sealed record LogCheckReport(long Events, int Pages, string Digest, IReadOnlyList<string> Findings)
{
    /// <summary>True when nothing is wrong.</summary>
    public bool IsSound => Findings.Count == 0;
}

/// <summary>
/// Verifies a log up to the head as it is at the start: pages in order and without gaps, counts, checksums, digests, the head's
/// list of tail pages, and that events and id rows match one to one. Holds the ids in memory, about 100 bytes an event.
/// </summary>
public sealed class LogCheck
{
    /// <summary>Findings after which no more are listed.</summary>
    public const int MaxFindings = 100;

    /// <summary>Rows of one answer; a page row may have 1 MiB.</summary>
    private const int PageRows = 8;

    private readonly IPartitionedTable _table;
    private readonly string _log;
    private readonly List<string> _findings = [];
    private readonly Dictionary<string, long> _ticks = new(StringComparer.Ordinal);
    private readonly List<TailPage> _pages = [];
    private long _events;

    internal LogCheck(IPartitionedTable table, string log) => (_table, _log) = (table, log);

    internal async Task<LogCheckReport> RunAsync(CancellationToken cancellationToken)
    {
        using var digest = new EventDigest();
        var head = HeadRow.From(await _table.GetAsync(_log, LogRows.Head, null, cancellationToken));
        if (head.IsErasing) return new LogCheckReport(0, 0, digest.ToString(), ["The log is being erased; erase it again to finish."]);
        await CheckPagesAsync(head.Head, digest, cancellationToken);
        await CheckIdsAsync(head.Head.Last, cancellationToken);
        await CheckTailAsync(head, cancellationToken);
        if (_events != head.Head.Count) Find($"The head counts {head.Head.Count} events, the pages hold {_events}.");
        return new LogCheckReport(_events, _pages.Count, digest.ToString(), _findings);
    }

    private async Task CheckPagesAsync(LogHead head, EventDigest digest, CancellationToken cancellationToken)
    {
        var position = Checkpoint.Beginning;
        string? lastId = null;
        await foreach (var row in RowsAsync(LogRows.Page(position.Ticks), LogRows.AfterPages, PageRows, cancellationToken))
        {
            if (position >= head.Last) break;
            EventPage page;
            try
            {
                page = PageFormat.Decode(row);
            }
            catch (LogCorruptException e)
            {
                Find(e.Message);
                continue;
            }

            _pages.Add(new TailPage(page.Last.Ticks, page.Count, page.Json.Length));
            if (!PageFormat.HasRightDigest(row, page)) Find($"The digest of page {row.Key} is wrong.");
            var skip = page.CountThrough(position);
            if (page.Before + skip != _events) Find($"Page {row.Key} should begin after {_events} events and begins after {page.Before}.");
            var count = page.CountThrough(head.Last);
            for (var i = skip; i < count; i++)
            {
                digest.Append(page.EventAt(i).Span);
                lastId = CheckEvent(row.Key, page, i);
            }

            position = page.Last;
        }

        if (position < head.Last) Find($"The head ends at {head.Last}, the pages end at {position}.");
        else if (lastId != head.LastEventId) Find("The head names another event than the last one.");
    }

    private string? CheckEvent(string pageKey, EventPage page, int i)
    {
        _events++;
        var json = page.EventAt(i).Span;
        var id = ReadId(json);
        if (id is null) Find($"Event {i} of page {pageKey} is no event.");
        else if (!_ticks.TryAdd(id, page.CheckpointAt(i).Ticks)) Find($"The event {id} is stored twice, the second time in page {pageKey}.");
        return id;
    }

    private static string? ReadId(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject ? EventFields.Read(ref reader, json).Id : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private async Task CheckIdsAsync(Checkpoint last, CancellationToken cancellationToken)
    {
        await foreach (var row in RowsAsync(LogRows.BeforeIds, LogRows.AfterIds, TableLimits.AnswerRows, cancellationToken))
        {
            var id = row.Key[1..];
            if (row.LongOf(IdRow.TickColumn) is not { } tick) Find($"The id row of {id} has no commit tick.");
            else if (_ticks.Remove(id, out var committed))
            {
                if (tick != committed) Find($"The id row of {id} says tick {tick}, its event was committed at {committed}.");
            }
            else if (tick <= last.Ticks) Find($"The id row of {id} has no event.");
        }

        foreach (var id in _ticks.Keys.Take(MaxFindings)) Find($"The event {id} has no id row.");
    }

    private async Task CheckTailAsync(HeadRow head, CancellationToken cancellationToken)
    {
        if (_pages.TakeLast(head.Tail.Count).SequenceEqual(head.Tail)) return;

        // When the head moved meanwhile, its tail may have been folded before it was read.
        var now = HeadRow.From(await _table.GetAsync(_log, LogRows.Head, null, cancellationToken));
        if (now.ETag == head.ETag) Find("The head's list of tail pages is not what is stored.");
    }

    private async IAsyncEnumerable<TableRow> RowsAsync(
        string after, string before, int limit, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        RowAnswer answer;
        do
        {
            answer = await _table.QueryAsync(_log, new RowQuery(after, before, limit), cancellationToken);
            foreach (var row in answer.Rows) yield return row;
            if (answer.Rows.Count > 0) after = answer.Rows[^1].Key;
        }
        while (answer.HasMore);
    }

    private void Find(string sentence)
    {
        if (_findings.Count < MaxFindings) _findings.Add(sentence);
    }
}
