using System.Collections.Concurrent;
using Dequeue.Contracts;
using Dequeue.Sync.Log.Reading;
using Dequeue.Sync.Log.Rows;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging;

namespace Dequeue.Sync.Log.Compaction;

/// <summary>
/// Keeps the runs of logs up, beside the appends: these never wait for it. When enough pages are sealed after the last run, they and the
/// runs that are no larger become one run. A merge that stops anywhere leaves the runs as they were, and rows that the next merge removes.
/// </summary>
/// <param name="table">Where the logs are stored.</param>
/// <param name="mergePages">Sealed pages that make a merge; <see cref="MergePages"/>, but for tests.</param>
/// <param name="logger">Hears of merges that fail.</param>
#pragma warning disable CA1001 // A semaphore whose wait handle nobody asks for holds nothing to dispose of.
internal sealed partial class Compactor(IPartitionedTable table, int mergePages, ILogger logger)
#pragma warning restore CA1001
{
    /// <summary>
    /// Sealed pages that make a merge. Fewer would write more: an entity's state is written again in each merge that it takes part in. More
    /// would leave more for each plan to look at: these pages are the part of the history that a plan opens.
    /// </summary>
    public const int MergePages = 16;

    /// <summary>Most pages of one merge: a log without runs is caught up with in parts, some 5 MB of marks at a time.</summary>
    private const int MostPages = 64;

    /// <summary>Bytes of rows in one transaction, which has 4 MiB, as base64: two rows at the most extreme, twenty as a rule.</summary>
    private const int CommitBytes = 1024 * 1024;

    /// <summary>How often the first list of a log is tried anew because somebody appended meanwhile.</summary>
    private const int MaxLostRaces = 16;

    /// <summary>Logs whose sealed pages are counted; beyond them all are counted anew.</summary>
    private const int MostCounted = 10_000;

    private static readonly string[] KeysAlone = ["n"];

    private readonly ConcurrentDictionary<string, int> _sealed = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Task> _running = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _one = new(1);

    /// <summary>A page of a log was sealed.</summary>
    public void Sealed(string log)
    {
        if (_sealed.Count > MostCounted) _sealed.Clear();
        if (_sealed.AddOrUpdate(log, 1, static (_, count) => count + 1) >= mergePages) Start(log);
    }

    /// <summary>Merges what is due, in the background. What fails is logged and left to the next time.</summary>
    public void Start(string log) => Start(log, () => MergeAsync(log, CancellationToken.None));

    /// <summary>Makes the runs of a log anew, in the background.</summary>
    /// <param name="log">The log's partition.</param>
    /// <param name="why">What is wrong with them.</param>
    public void Renew(string log, LogCorruptException why)
        => Start(log, async () =>
        {
            await AloneAsync(() => ResetAsync(log, why, CancellationToken.None), CancellationToken.None);
            await MergeAsync(log, CancellationToken.None);
        });

    private void Start(string log, Func<Task> work)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (_running.TryAdd(log, done.Task)) _ = RunAsync();

        async Task RunAsync()
        {
            try
            {
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
                await work();
            }
            catch (Exception e)
            {
                LogNotMerged(logger, e);
            }
            finally
            {
                _running.TryRemove(log, out _);
                done.SetResult();
            }
        }
    }

    /// <summary>Waits for what goes on in the background.</summary>
    public Task IdleAsync(string log) => _running.GetValueOrDefault(log, Task.CompletedTask);

    /// <summary>Merges until nothing is due. One merge at a time in a process: it is work for nobody who waits.</summary>
    public Task MergeAsync(string log, CancellationToken cancellationToken)
        => AloneAsync(
            async () =>
            {
                while (await MergeNextAsync(log, cancellationToken))
                {
                }
            },
            cancellationToken);

    private async Task AloneAsync(Func<Task> work, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            await work();
        }
        finally
        {
            _one.Release();
        }
    }

    /// <returns>Whether something was merged, so that more may be due.</returns>
    private async Task<bool> MergeNextAsync(string log, CancellationToken cancellationToken)
    {
        var head = HeadRow.From(await table.GetAsync(log, LogRows.Head, null, cancellationToken));
        if (head.ETag is null || head.IsErasing) return false;
        RunList list;
        try
        {
            list = RunList.From(await table.GetAsync(log, LogRows.Runs, null, cancellationToken));
        }
        catch (LogCorruptException e)
        {
            await ResetAsync(log, e, cancellationToken);
            return true;
        }

        var pages = await SealedAsync(log, list.Through, head, cancellationToken);
        _sealed[log] = pages.Count;
        if (pages.Count < mergePages || await BeginAsync(log, list, cancellationToken) is not { } begun) return false;
        try
        {
            return await MergeAsync(log, begun, pages, cancellationToken);
        }
        catch (LogCorruptException e) when (list.Current.Count > 0)
        {
            await ResetAsync(log, e, cancellationToken);
            return true;
        }
    }

    /// <summary>The sealed pages after a position, the first of them: their last ticks and their events.</summary>
    private async Task<List<(long Tick, int Events)>> SealedAsync(
        string log, Checkpoint after, HeadRow head, CancellationToken cancellationToken)
    {
        // All pages before the first of the tail are sealed, whichever version wrote them.
        var end = LogRows.Page(head.Tail.Count > 0 ? head.Tail[0].Tick : head.Head.Last.Ticks + 1);
        var pages = new List<(long Tick, int Events)>();
        for (var hasMore = true; hasMore && pages.Count < MostPages;)
        {
            var start = LogRows.Page(pages.Count > 0 ? pages[^1].Tick : after.Ticks);
            var query = new RowQuery(start, end, Math.Min(mergePages, MostPages - pages.Count)) { Columns = KeysAlone };
            var answer = await table.QueryAsync(log, query, cancellationToken);
            pages.AddRange(answer.Rows.Select(static row => (LogRows.PageTick(row.Key)!.Value, row.IntOf(KeysAlone[0]) ?? 0)));
            hasMore = answer.HasMore;
        }

        return pages;
    }

    /// <summary>Removes what earlier merges left, and notes that a run is being written.</summary>
    /// <returns>The list as stored, or null when somebody else is at it.</returns>
    private async Task<RunList?> BeginAsync(string log, RunList list, CancellationToken cancellationToken)
    {
        var remains = list.Previous.Except(list.Current).Select(static run => run.Id);
        foreach (var id in list.Writing > 0 ? remains.Append(list.Writing) : remains)
            await RemoveAsync(log, LogRows.Run(id, 0), LogRows.AfterRun(id), cancellationToken);
        var begun = list with { Previous = [], Writing = list.NextId, NextId = list.NextId + 1 };
        if (list.ETag is not null) return await CommitAsync(log, list, begun, [], cancellationToken);

        // The first list: with the head, so that none is left in a log that is being erased.
        for (var races = 0; races < MaxLostRaces; races++)
        {
            var head = HeadRow.From(await table.GetAsync(log, LogRows.Head, null, cancellationToken));
            if (head.ETag is null || head.IsErasing) return null;
            switch (await table.CommitAsync(log, [begun.Commit(list), head.Commit(head)], cancellationToken))
            {
                case CommitOutcome.Committed committed:
                    return begun with { ETag = committed.ETags[0] };
                case CommitOutcome.AlreadyExists:
                    return null;
            }
        }

        return null;
    }

    private async Task<bool> MergeAsync(
        string log, RunList list, List<(long Tick, int Events)> pages, CancellationToken cancellationToken)
    {
        var (kept, size) = (list.Current.Count, pages.Sum(static page => (long)page.Events));

        // So each run is larger than all that is newer: of the rows that a stream reads most are the oldest run's.
        while (kept > 0 && list.Current[kept - 1].Events <= size) size += list.Current[--kept].Events;
        var merged = list.Current.Skip(kept).ToList();
        var (after, through) = (kept > 0 ? list.Current[kept - 1].Through : Checkpoint.Beginning, Checkpoint.FromTicks(pages[^1].Tick));

        var frontier = new Frontier();
        foreach (var run in merged)
        {
            await foreach (var (page, marks, _) in MarksAsync(log, run, withContent: false, cancellationToken)) Add(page, marks);
        }

        var newMarks = new List<EventMark[]>(pages.Count);
        await foreach (var page in PagesAsync(log, list.Through, through, cancellationToken))
        {
            newMarks.Add([.. Enumerable.Range(0, page.Count).Select(i => EventMark.Of(page.EventAt(i).Span))]);
            Add(page, newMarks[^1]);
        }

        var survivors = new EventSelection(frontier.Survivors(), []);
        var writer = new RunWriter(new Run(list.Writing, after, through, survivors.Count));
        foreach (var run in merged)
        {
            await foreach (var (page, marks, row) in MarksAsync(log, run, withContent: true, cancellationToken))
            {
                if (survivors.CountBetween(Checkpoint.FromTicks(page.First.Ticks - 1), page.Last) == 0) continue;
                if (await WriteAsync(PageFormat.Decode(row), marks) is not { } next) return false;
                list = next;
            }
        }

        var at = 0;
        await foreach (var page in PagesAsync(log, list.Through, through, cancellationToken))
        {
            if (await WriteAsync(page, newMarks[at++]) is not { } next) return false;
            list = next;
        }

        var done = list with { Current = [.. list.Current.Take(kept), writer.Finish()], Previous = list.Current, Writing = 0 };
        if (await CommitAsync(log, list, done, writer.Take(), cancellationToken) is null) return false;
        LogMerged(logger, merged.Count, pages.Count, survivors.Count);
        return true;

        void Add(EventPage page, EventMark[] marks)
        {
            for (var i = 0; i < page.Count; i++) frontier.Add(marks[i], page.CheckpointAt(i).Ticks);
        }

        async Task<RunList?> WriteAsync(EventPage page, EventMark[] marks)
        {
            for (var i = 0; i < page.Count; i++)
            {
                if (survivors.Contains(page.CheckpointAt(i))) writer.Add(page, i, marks[i]);
            }

            return writer.Bytes < CommitBytes ? list : await CommitAsync(log, list, list, writer.Take(), cancellationToken);
        }
    }

    private async IAsyncEnumerable<(EventPage Page, EventMark[] Marks, TableRow Row)> MarksAsync(
        string log, Run run, bool withContent, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var row in table.ReadRunAsync(log, run, run.After, withContent, cancellationToken))
        {
            var page = PageFormat.DecodeWithoutContent(row);
            yield return (page, RunRow.Marks(row, page.Count), row);
        }
    }

    private IAsyncEnumerable<EventPage> PagesAsync(string log, Checkpoint after, Checkpoint through, CancellationToken cancellationToken)
        => new PageReader(table, log).ReadAsync(after, through, int.MaxValue, cancellationToken);

    /// <returns>The list as stored, or null when it was replaced by somebody else: another process, or who erases the log.</returns>
    private async Task<RunList?> CommitAsync(
        string log, RunList replaced, RunList list, IEnumerable<TableRow> rows, CancellationToken cancellationToken)
    {
        RowOperation[] operations = [list.Commit(replaced), .. rows.Select(static row => new RowOperation.Insert(row))];
        var outcome = await table.CommitAsync(log, operations, cancellationToken);
        return outcome is CommitOutcome.Committed committed ? list with { ETag = committed.ETags[0] } : null;
    }

    /// <summary>Gives up all runs: they are made anew from the log. The next merge removes their rows.</summary>
    private async Task ResetAsync(string log, LogCorruptException why, CancellationToken cancellationToken)
    {
        LogReset(logger, why);
        var row = await table.GetAsync(log, LogRows.Runs, null, cancellationToken);
        if (row is null) return;
        RunList list;
        try
        {
            list = RunList.From(row);
        }
        catch (LogCorruptException)
        {
            // Nobody knows which rows there are.
            await RemoveAsync(log, LogRows.BeforeRuns, LogRows.AfterRuns, cancellationToken);
            await table.CommitAsync(log, [new RowOperation.Delete(LogRows.Runs, row.ETag)], cancellationToken);
            return;
        }

        await CommitAsync(log, list, list with { Current = [], Previous = [.. list.Previous.Union(list.Current)] }, [], cancellationToken);
    }

    private async Task RemoveAsync(string log, string after, string before, CancellationToken cancellationToken)
    {
        while (true)
        {
            var query = new RowQuery(after, before, TableLimits.Operations) { Columns = KeysAlone };
            var answer = await table.QueryAsync(log, query, cancellationToken);
            if (answer.Rows.Count == 0) return;
            await table.CommitAsync(log, [.. answer.Rows.Select(static row => new RowOperation.Delete(row.Key))], cancellationToken);
        }
    }

    [LoggerMessage(804, LogLevel.Warning, "The runs of a log could not be merged; compact reads look at its pages until that is done", EventName = "804")]
    private static partial void LogNotMerged(ILogger logger, Exception exception);

    [LoggerMessage(805, LogLevel.Warning, "The runs of a log are damaged, and are made anew", EventName = "805")]
    private static partial void LogReset(ILogger logger, Exception exception);

    [LoggerMessage(806, LogLevel.Debug, "{Runs} runs and {Pages} pages of a log became one run of {Events} events", EventName = "806")]
    private static partial void LogMerged(ILogger logger, int runs, int pages, int events);
}
