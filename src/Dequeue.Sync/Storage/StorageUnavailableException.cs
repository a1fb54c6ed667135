namespace Dequeue.Sync.Storage;

/// <summary>
/// The storage is throttled, unreachable or too slow. Nothing is wrong with the data: try again later. The message says what to
/// do and names no key and no tenant.
/// </summary>
public sealed class StorageUnavailableException : Exception
{
    /// <summary>Storage failed for the reason that <paramref name="message"/> gives.</summary>
    public StorageUnavailableException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    /// <summary>Storage failed for an unknown reason.</summary>
    public StorageUnavailableException()
        : this("The event log's storage does not answer. Try again later.")
    {
    }

    /// <summary>True when the storage asked for fewer calls, rather than failed.</summary>
    public bool IsThrottled { get; init; }
}
