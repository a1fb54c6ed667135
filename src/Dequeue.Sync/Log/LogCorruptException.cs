namespace Dequeue.Sync.Log;

/// <summary>
/// A log's stored rows contradict each other. Nothing was guessed and nothing left out: the read or append failed as a whole.
/// The message tells positions and counts, never a tenant; <see cref="Checking.LogCheck"/> tells all that is wrong.
/// </summary>
public sealed class LogCorruptException : Exception
{
    /// <summary>The log is damaged in the way that <paramref name="message"/> says.</summary>
    public LogCorruptException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    /// <summary>The log is damaged.</summary>
    public LogCorruptException()
        : this("The event log is damaged.")
    {
    }
}
