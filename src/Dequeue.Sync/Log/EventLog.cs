using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Pushing;
using Dequeue.Sync.Log.Appending;
using Dequeue.Sync.Log.Checking;
using Dequeue.Sync.Log.Compaction;
using Dequeue.Sync.Log.Entities;
using Dequeue.Sync.Log.Reading;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging;

namespace Dequeue.Sync.Log;

/// <summary>
/// The event logs of all users, on a partitioned table. docs/storage.md tells the layout, the invariants and what each call
/// costs. All members are safe to call concurrently, from any number of processes on one table. They throw
/// <see cref="StorageUnavailableException"/> when storage fails, and <see cref="LogCorruptException"/> when it holds damaged rows.
/// </summary>
public sealed class EventLog
{
    /// <summary>Most bytes of one event, minified.</summary>
    public const int MaxEventBytes = PushLimits.MaxEventBytes;

    /// <summary>Most events of one range of <see cref="DigestRangesAsync"/>: a full page.</summary>
    public const int MaxRangeEvents = Folding.MaxPageEvents;

    private readonly IPartitionedTable _table;
    private readonly GroupCommit _groupCommit;
    private readonly Compactor _compactor;
    private readonly SurvivorCache _survivors = new();
    private readonly ILogger _logger;

    /// <summary>
    /// Hears of each page of newly stored events, before its pushes are answered: those of one log one after the other, in the order in
    /// which this process committed them. It must return at once, and must not throw. Default: nobody.
    /// </summary>
    public Action<LogKey, CommittedEvents>? OnCommitted { get; init; }

    /// <summary>The logs on a table.</summary>
    /// <param name="table">Where they are stored.</param>
    /// <param name="clock">Gives commit times; may go backwards or be wrong, order does not depend on it.</param>
    /// <param name="logger">Hears of lost races, doubtful commits, pages that could not be indexed, and runs that could not be read or merged.</param>
    public EventLog(IPartitionedTable table, TimeProvider clock, ILogger<EventLog> logger)
        : this(table, clock, logger, Compactor.MergePages)
    {
    }

    /// <summary>The same, with runs merged as often as is told.</summary>
    internal EventLog(IPartitionedTable table, TimeProvider clock, ILogger<EventLog> logger, int mergePages)
    {
        (_table, _logger) = (table, logger);
        _compactor = new Compactor(table, mergePages, logger);
        _groupCommit = new GroupCommit(
            new Appender(table, clock, logger), new EntityIndexer(table, logger), _compactor, (key, committed) => OnCommitted?.Invoke(key, committed));
    }

    /// <summary>
    /// Appends events in the order given; those whose id the log has already are skipped. Concurrent calls share transactions.
    /// A call of more than about 60 to 98 events takes several transactions: when a later one fails, the call fails, although
    /// the events of the earlier ones are stored. Calling again with the same events is always right.
    /// </summary>
    /// <param name="key">The log.</param>
    /// <param name="events">The events, validated; each 1 to <see cref="MaxEventBytes"/> bytes.</param>
    /// <param name="cancellationToken">Stops waiting. What is in a transaction by then may be stored all the same.</param>
    /// <exception cref="ArgumentException">An event has no bytes or too many.</exception>
    public Task<AppendResult> AppendAsync(LogKey key, IReadOnlyList<NewEvent> events, CancellationToken cancellationToken)
        => AppendAsync(key, events, null, cancellationToken);

    /// <summary>The same, for the log of one epoch alone: in another one nothing is stored, and the result says so.</summary>
    /// <param name="key">The log.</param>
    /// <param name="events">The events, validated; each 1 to <see cref="MaxEventBytes"/> bytes.</param>
    /// <param name="epoch">The epoch; null for any.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="ArgumentException">An event has no bytes or too many.</exception>
    public async Task<AppendResult> AppendAsync(LogKey key, IReadOnlyList<NewEvent> events, string? epoch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        if (events.Any(e => e.Json.Length is < 1 or > MaxEventBytes))
        {
            throw new ArgumentException($"An event has 1 to {MaxEventBytes} bytes.", nameof(events));
        }

        if (events.Count > 0) return await _groupCommit.AppendAsync(key, events, epoch, cancellationToken);
        var head = await ReadHeadAsync(key, cancellationToken);
        return new AppendResult(head, [], 0) { IsOtherLog = epoch is not null && !head.MayHaveEpoch(epoch) };
    }

    /// <summary>Reads the log's end from storage: one row.</summary>
    public async Task<LogHead> ReadHeadAsync(LogKey key, CancellationToken cancellationToken)
        => HeadRow.From(await _table.GetAsync(LogRows.Partition(key), LogRows.Head, null, cancellationToken)).Head;

    /// <summary>
    /// How many events lie after <paramref name="since"/> and not after <paramref name="head"/>: exact, by reading one row at
    /// most, and none for a checkpoint before everything or at the head.
    /// </summary>
    /// <param name="key">The log.</param>
    /// <param name="head">Its end, as read before.</param>
    /// <param name="since">Any position.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<long> CountAfterAsync(LogKey key, LogHead head, Checkpoint since, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(head);
        if (since >= head.Last) return 0;
        if (since <= Checkpoint.Beginning) return head.Count;
        var query = new RowQuery(LogRows.Page(since.Ticks), LogRows.AfterPages, 1) { Columns = PageFormat.PositionColumns };
        var answer = await _table.QueryAsync(LogRows.Partition(key), query, cancellationToken);
        if (answer.Rows.Count == 0) throw new LogCorruptException($"No page holds the events between {since} and the head.");
        var page = PageFormat.DecodeWithoutContent(answer.Rows[0]);
        return head.Count - page.Before - page.CountThrough(since);
    }

    /// <summary>
    /// How many events lie at or before <paramref name="since"/>, by reading one row at most, and none for a checkpoint before everything
    /// or at the head.
    /// </summary>
    /// <param name="key">The log.</param>
    /// <param name="head">Its end, as read before.</param>
    /// <param name="since">Any position.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null when no event was committed there: this log never gave the position out.</returns>
    public async Task<long?> CountThroughAsync(LogKey key, LogHead head, Checkpoint since, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(head);
        if (since <= Checkpoint.Beginning) return 0;
        if (since >= head.Last) return since == head.Last ? head.Count : null;

        // From the page that holds the position on, which may be its last event.
        var query = new RowQuery(LogRows.Page(since.Ticks - 1), LogRows.AfterPages, 1) { Columns = PageFormat.PositionColumns };
        var answer = await _table.QueryAsync(LogRows.Partition(key), query, cancellationToken);
        if (answer.Rows.Count == 0) throw new LogCorruptException($"No page holds the events between {since} and the head.");
        var page = PageFormat.DecodeWithoutContent(answer.Rows[0]);
        var through = page.CountThrough(since);
        return through > 0 && page.CheckpointAt(through - 1) == since ? page.Before + through : null;
    }

    /// <summary>
    /// Whether a client's store can be of this log: the same epoch as far as both are known, a checkpoint that the log gave out, and as
    /// many events up to it. Reads one row at most beside the head, and none when the client says nothing.
    /// </summary>
    /// <param name="key">The log.</param>
    /// <param name="head">Its end, as read before.</param>
    /// <param name="since">The client's checkpoint.</param>
    /// <param name="claim">What the client says.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<bool> FitsAsync(LogKey key, LogHead head, Checkpoint since, HistoryClaim claim, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(head);
        if (claim.IsEmpty) return true;
        if (claim.Epoch is { } epoch && !head.MayHaveEpoch(epoch)) return false;
        if (since > Checkpoint.Beginning && since > head.Last) return false;
        return claim.Position is not { } position || await CountThroughAsync(key, head, since, cancellationToken) == position;
    }

    /// <summary>
    /// The events after one position and up to another, in commit order: pages as they are stored, cut at both ends. Reads a few
    /// pages ahead while the caller works. Appends and folds meanwhile neither hide nor repeat an event.
    /// </summary>
    /// <param name="key">The log.</param>
    /// <param name="after">Events strictly after it.</param>
    /// <param name="through">Events up to and with it; usually the head's.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public IAsyncEnumerable<EventPage> ReadAsync(LogKey key, Checkpoint after, Checkpoint through, CancellationToken cancellationToken)
        => ReadAsync(key, after, through, int.MaxValue, cancellationToken);

    /// <summary>The same, at most so many events: what one REST page takes is read with fewer rows and nothing ahead.</summary>
    /// <param name="key">The log.</param>
    /// <param name="after">Events strictly after it.</param>
    /// <param name="through">Events up to and with it; usually the head's.</param>
    /// <param name="maxEvents">Most events in all the pages together, at least 1.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public IAsyncEnumerable<EventPage> ReadAsync(
        LogKey key, Checkpoint after, Checkpoint through, int maxEvents, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxEvents, 1);
        return new PageReader(_table, LogRows.Partition(key)).ReadAsync(after, through, maxEvents, cancellationToken);
    }

    /// <summary>
    /// The same as <see cref="ReadAsync(LogKey, Checkpoint, Checkpoint, CancellationToken)"/>, with whole pages left as they are
    /// stored, for who sends them so.
    /// </summary>
    /// <param name="key">The log.</param>
    /// <param name="after">Events strictly after it.</param>
    /// <param name="through">Events up to and with it; usually the head's.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public IAsyncEnumerable<EventPage> ReadPackedAsync(LogKey key, Checkpoint after, Checkpoint through, CancellationToken cancellationToken)
        => new PageReader(_table, LogRows.Partition(key), PageContent.Packed).ReadAsync(after, through, int.MaxValue, cancellationToken);

    /// <summary>
    /// The <see cref="EventDigest"/> of the events after one position and up to another, 64 lower-case hex digits, by reading them.
    /// That of the whole log is in its head.
    /// </summary>
    /// <param name="key">The log.</param>
    /// <param name="after">Events strictly after it.</param>
    /// <param name="through">Events up to and with it; usually the head's.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<string> DigestAsync(LogKey key, Checkpoint after, Checkpoint through, CancellationToken cancellationToken)
    {
        using var digest = new EventDigest();
        await foreach (var page in ReadAsync(key, after, through, cancellationToken)) digest.Append(page);
        return digest.ToString();
    }

    /// <summary>
    /// The digests of consecutive ranges: after <paramref name="since"/> up to the first checkpoint, after that up to the second, and
    /// so on. A range that is one stored page costs none of its content. Beyond the head there is nothing: a range ends there.
    /// </summary>
    /// <param name="key">The log.</param>
    /// <param name="since">Where the first range begins.</param>
    /// <param name="checkpoints">Where the ranges end, at least one, none before another; each may have <see cref="MaxRangeEvents"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">There is no checkpoint, or one lies before the one before it.</exception>
    public Task<RangeDigests> DigestRangesAsync(
        LogKey key, Checkpoint since, IReadOnlyList<Checkpoint> checkpoints, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(checkpoints);
        if (checkpoints.Count == 0 || checkpoints.Zip(checkpoints.Skip(1)).Any(two => two.Second < two.First))
        {
            throw new ArgumentException("The ends of ranges rise.", nameof(checkpoints));
        }

        return new RangeDigester(_table, LogRows.Partition(key)).DigestAsync(since, checkpoints, cancellationToken);
    }

    /// <summary>
    /// The digests of the first stored pages after a position, for who does not know where they end: one row each, without content.
    /// </summary>
    /// <param name="key">The log.</param>
    /// <param name="since">Where the first one begins.</param>
    /// <param name="count">How many at most.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<RangeDigests.Known> DigestPagesAsync(LogKey key, Checkpoint since, int count, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        return new RangeDigester(_table, LogRows.Partition(key)).DigestPagesAsync(since, count, cancellationToken);
    }

    /// <summary>
    /// Finds the events of a range that concern some entities. It takes a few reads for each entity, whatever the length of the log:
    /// sealed pages are found by an index, which each append keeps up; the unsealed ones are looked at. The same call gives the same
    /// events whenever it is made: only the range, and the log before it, count.
    /// </summary>
    /// <param name="key">The log.</param>
    /// <param name="query">The entities.</param>
    /// <param name="after">Events strictly after it.</param>
    /// <param name="through">Events up to and with it; no more than the head's.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<EventSelection> SelectAsync(LogKey key, EntityQuery query, Checkpoint after, Checkpoint through, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        return new EntitySelector(_table, LogRows.Partition(key)).SelectAsync(query, after, through, cancellationToken);
    }

    /// <summary>
    /// The selected events of a range alone, in commit order, put together into pages. Reads no page that holds none of them, and a few
    /// pages ahead.
    /// </summary>
    /// <param name="key">The log.</param>
    /// <param name="selection">The events, of this range or a wider one.</param>
    /// <param name="after">Events strictly after it.</param>
    /// <param name="through">Events up to and with it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public IAsyncEnumerable<EventPage> ReadSelectedAsync(
        LogKey key, EventSelection selection, Checkpoint after, Checkpoint through, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(selection);
        return new SelectedReader(_table, LogRows.Partition(key), selection).ReadSelectedAsync(after, through, cancellationToken);
    }

    /// <summary>
    /// All events of a range but the selected ones, in commit order. A page without any of these comes as
    /// <see cref="ReadAsync(LogKey, Checkpoint, Checkpoint, CancellationToken)"/> gives it; the others are put together anew.
    /// </summary>
    /// <param name="key">The log.</param>
    /// <param name="selection">The events to leave out.</param>
    /// <param name="after">Events strictly after it.</param>
    /// <param name="through">Events up to and with it; usually the head's.</param>
    /// <param name="packed">Whether whole pages stay as they are stored.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public IAsyncEnumerable<EventPage> ReadOthersAsync(
        LogKey key, EventSelection selection, Checkpoint after, Checkpoint through, bool packed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(selection);
        return new SelectedReader(_table, LogRows.Partition(key), selection).ReadOthersAsync(after, through, packed, cancellationToken);
    }

    /// <summary>
    /// Finds the events of a range that still matter at its end: all but those that are superseded. An event is superseded when one of the
    /// same entity that brings its state has a later <c>ts</c>, strictly, and was committed later. It takes reading the marks of what
    /// matters in older parts of the range, and the newest pages; not the history. The same call gives the same events whenever it is made.
    /// </summary>
    /// <param name="key">The log.</param>
    /// <param name="after">Events strictly after it.</param>
    /// <param name="through">Events up to and with it; no more than the head's.</param>
    /// <param name="keep">Types whose events all matter. For these the whole range is read.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<EventSelection> SelectSurvivorsAsync(
        LogKey key, Checkpoint after, Checkpoint through, IReadOnlyList<string> keep, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(keep);
        var log = LogRows.Partition(key);
        if (_survivors.Find(log, after, through, keep) is not { } found)
        {
            found = await new SurvivorFinder(_table, log, _compactor, _logger).FindAsync(after, through, keep, cancellationToken);
            _survivors.Add(log, after, through, keep, found);
        }

        return found.Between(after, through);
    }

    /// <summary>The events of a range that <see cref="SelectSurvivorsAsync"/> found, or some of them, in commit order, put together into
    /// pages. They are read and made ahead, while the caller works.</summary>
    /// <param name="key">The log.</param>
    /// <param name="selection">The events.</param>
    /// <param name="after">Events strictly after it.</param>
    /// <param name="through">The end that they were found for.</param>
    /// <param name="keep">The types that they were found with: for these the history is read, up to where the caller stops.</param>
    /// <param name="packed">Whether the pages are packed as well.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public IAsyncEnumerable<EventPage> ReadSurvivorsAsync(
        LogKey key,
        EventSelection selection,
        Checkpoint after,
        Checkpoint through,
        IReadOnlyList<string> keep,
        bool packed,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(selection);
        ArgumentNullException.ThrowIfNull(keep);
        return new SurvivorReader(_table, LogRows.Partition(key), _compactor, _logger)
            .ReadAsync(selection, after, through, new SurvivorReading(keep.Count == 0, packed), cancellationToken);
    }

    /// <summary>Brings the runs of a log up to date, which else happens by itself after appends: for who measures.</summary>
    /// <param name="key">The log.</param>
    /// <param name="cancellationToken">Gives up; what is merged stays so.</param>
    public Task CompactAsync(LogKey key, CancellationToken cancellationToken)
        => _compactor.MergeAsync(LogRows.Partition(key), cancellationToken);

    /// <summary>Waits until nothing of a log goes on in this process after its appends were answered.</summary>
    internal async Task SettledAsync(LogKey key)
    {
        await _groupCommit.IdleAsync(key);
        await _compactor.IdleAsync(LogRows.Partition(key));
    }

    /// <summary>
    /// Deletes all rows of one log, as when an account is deleted. Until it is done the log is empty to readers and refuses
    /// appends; when it is interrupted that remains so until it is called again.
    /// </summary>
    /// <returns>How many rows were deleted.</returns>
    public Task<long> EraseAsync(LogKey key, CancellationToken cancellationToken)
        => new Eraser(_table, LogRows.Partition(key)).EraseAsync(cancellationToken);

    /// <summary>Looks at one log as an operator does: its shape, and its last events without their payloads. Changes nothing.</summary>
    /// <param name="key">The log.</param>
    /// <param name="lastEvents">How many of the last events, at least 0.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<LogInspection> InspectAsync(LogKey key, int lastEvents, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lastEvents);
        return LogInspection.ReadAsync(_table, LogRows.Partition(key), lastEvents, cancellationToken);
    }

    /// <summary>Verifies one log from its first event to its head. Events appended meanwhile are left out.</summary>
    public Task<LogCheckReport> CheckAsync(LogKey key, CancellationToken cancellationToken)
        => new LogCheck(_table, LogRows.Partition(key)).RunAsync(cancellationToken);
}
