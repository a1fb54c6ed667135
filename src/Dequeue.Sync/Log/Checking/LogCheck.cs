using System.IO.Hashing;
using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Sync.Log.Compaction;
using Dequeue.Sync.Log.Entities;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Log.Checking;

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
/// running digest and list of tail pages, that events and id rows, pages and index rows match one to one, and that runs have what
/// matters of their ranges. Holds ids and keys in memory, about 150 bytes an event.
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
    private readonly Dictionary<string, ulong> _entities = new(StringComparer.Ordinal);
    private long _events, _bytes;
    private string? _activeStack;

    internal LogCheck(IPartitionedTable table, string log) => (_table, _log) = (table, log);

    internal async Task<LogCheckReport> RunAsync(CancellationToken cancellationToken)
    {
        using var digest = new EventDigest();
        HeadRow head;
        try
        {
            head = HeadRow.From(await _table.GetAsync(_log, LogRows.Head, null, cancellationToken));
        }
        catch (LogCorruptException e)
        {
            // Without a head there is nothing to compare the other rows with.
            return new LogCheckReport(0, 0, digest.ToString(), [e.Message]);
        }

        if (head.IsErasing) return new LogCheckReport(0, 0, digest.ToString(), ["The log is being erased; erase it again to finish."]);
        await CheckPagesAsync(head, digest, cancellationToken);
        await CheckIdsAsync(head.Head.Last, cancellationToken);
        await CheckEntitiesAsync(head.Indexed, cancellationToken);
        await CheckTailAsync(head, cancellationToken);
        foreach (var finding in await new RunCheck(_table, _log).RunAsync(cancellationToken)) Find(finding);
        CheckHead(head, digest.ToString());
        if (_events != head.Head.Count) Find($"The head counts {head.Head.Count} events, the pages hold {_events}.");
        return new LogCheckReport(_events, _pages.Count, digest.ToString(), _findings);
    }

    private async Task CheckPagesAsync(HeadRow headRow, EventDigest digest, CancellationToken cancellationToken)
    {
        var head = headRow.Head;
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
                var json = page.EventAt(i);
                digest.Append(json.Span);
                _bytes += json.Length;
                _activeStack = ActiveStack.After(_activeStack, json.Span);
                lastId = CheckEvent(row.Key, page, i);
            }

            if (page.Last <= headRow.Indexed) Expect(page);
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

    private void Expect(EventPage page)
    {
        var entities = new PageEntities();
        entities.Add(page);
        foreach (var row in entities.Rows()) _entities[row.Key] = Hash(row);
    }

    private async Task CheckEntitiesAsync(Checkpoint indexed, CancellationToken cancellationToken)
    {
        await foreach (var row in RowsAsync(LogRows.BeforeEntities, LogRows.AfterEntities, TableLimits.AnswerRows, cancellationToken))
        {
            if (_entities.Remove(row.Key, out var hash))
            {
                if (hash != Hash(row)) Find($"The index row {row.Key} does not say what its page holds.");
            }
            else if (LogRows.EntityPageTick(row.Key) is not { } page || page <= indexed.Ticks)
            {
                Find($"The index row {row.Key} has no events.");
            }
        }

        foreach (var key in _entities.Keys.Take(MaxFindings)) Find($"The index row {key} is missing.");
    }

    private static ulong Hash(TableRow row)
    {
        var tasks = row.BytesOf(EntityRow.TasksColumn) ?? default;
        return XxHash3.HashToUInt64((row.BytesOf(EntityRow.EventsColumn) ?? default).Span, (long)XxHash3.HashToUInt64(tasks.Span));
    }

    private void CheckHead(HeadRow row, string digest)
    {
        var head = row.Head;
        foreach (var position in new[] { head.SealedThrough, row.Indexed })
        {
            if (position > Checkpoint.Beginning && _pages.All(page => page.Tick != position.Ticks)) Find($"The head says that a page ends at {position}; none does.");
        }

        // What a log without these was written by kept no account of the stacks either.
        if (head.Digest is null) return;
        if (head.Digest != digest) Find("The head's digest is not that of the events.");
        if (head.Bytes != _bytes) Find($"The head counts {head.Bytes} bytes, the events have {_bytes}.");
        if (head.ActiveStackId != _activeStack) Find("The head names another active stack than the events.");
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
