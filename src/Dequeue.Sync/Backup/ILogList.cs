namespace Dequeue.Sync.Backup;

/// <summary>A table that can tell which logs it holds. For backups alone: nothing that serves a client looks beyond one log.</summary>
public interface ILogList
{
    /// <summary>The partitions of the logs, in their order, as they are while it is read: one that begins or ends meanwhile may be there or not.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="Storage.StorageUnavailableException">The storage does not answer.</exception>
    IAsyncEnumerable<string> LogsAsync(CancellationToken cancellationToken);
}
