using System.Collections.Concurrent;
using Dequeue.Sync.Log.Compaction;
using Dequeue.Sync.Log.Entities;
using Dequeue.Sync.Log.Rows;

namespace Dequeue.Sync.Log.Appending;

/// <summary>
/// Joins concurrent appends to one log in this process into shared transactions: while one is in flight the next ones gather.
/// The head's ETag keeps several processes apart; within one it never has to.
/// </summary>
internal sealed class GroupCommit(Appender appender, EntityIndexer indexer, Compactor compactor, Action<LogKey, CommittedEvents> onCommitted)
{
    private readonly ConcurrentDictionary<LogKey, AppendQueue> _queues = new();

    /// <summary>Appends events.</summary>
    public Task<AppendResult> AppendAsync(LogKey key, IReadOnlyList<NewEvent> events, string? epoch, CancellationToken cancellationToken)
    {
        var append = new PendingAppend(events, epoch, cancellationToken);
        while (true)
        {
            var queue = _queues.GetOrAdd(key, static _ => new AppendQueue());
            if (!queue.TryAdd(append, out var mustRun)) continue;

            // Nobody awaits the run: it answers every caller, this one too, and no caller's cancellation ends it.
            if (mustRun) _ = RunAsync(key, queue);
            return append.Result;
        }
    }

    /// <summary>Waits until nobody works on a log any more.</summary>
    public async Task IdleAsync(LogKey key)
    {
        while (_queues.TryGetValue(key, out var queue)) await queue.IsDone.Task;
    }

    private async Task RunAsync(LogKey key, AppendQueue queue)
    {
        // A storage that answers at once must not make the first caller work for all that follow.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var log = LogRows.Partition(key);
        HeadRow? head = null;
        while (true)
        {
            try
            {
                head = await appender.CommitNextAsync(log, queue, head, committed => onCommitted(key, committed));
            }
            catch (Exception e)
            {
                head = null;
                queue.Fail(e);
            }

            // Those whose events are stored have their answers; who waits now waits for one page to be indexed, rarely for more than
            // four commits.
            if (head is { IsIndexed: false })
            {
                head = await indexer.IndexNextAsync(log, head);
                compactor.Sealed(log);
            }

            if (!queue.TryClose()) continue;
            _queues.TryRemove(KeyValuePair.Create(key, queue));
            queue.IsDone.SetResult();
            return;
        }
    }
}
