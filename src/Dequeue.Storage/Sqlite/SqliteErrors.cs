using Dequeue.Sync.Storage;
using Microsoft.Data.Sqlite;

namespace Dequeue.Storage.Sqlite;

/// <summary>What SQLite's errors mean.</summary>
internal static class SqliteErrors
{
    /// <summary>What to do about a file that cannot be right.</summary>
    public const string DamagedFile = "The SQLite file of the event log is damaged or no SQLite file. Restore it from a backup.";

    private const int Busy = 5, Locked = 6, ReadOnly = 8, InputOutput = 10, Damaged = 11, Full = 13, CannotOpen = 14, NotADatabase = 26;

    /// <summary>The error as the port's exception, with what to do.</summary>
    public static StorageUnavailableException Decode(SqliteException exception) => new(
        exception.SqliteErrorCode switch
        {
            Busy or Locked => "The SQLite file of the event log is busy: another process holds its lock. Try again.",
            ReadOnly => "The SQLite file of the event log is read-only. Let the process write the file and its folder.",
            InputOutput => "The disk failed under the SQLite file of the event log. Look at the system's log.",
            Damaged or NotADatabase => DamagedFile,
            Full => "The disk is full under the SQLite file of the event log. Make room.",
            CannotOpen => "The SQLite file of the event log cannot be opened. Look at its path and permissions.",
            var code => $"SQLite failed under the event log with code {code}.",
        },
        exception) { IsThrottled = exception.SqliteErrorCode is Busy or Locked };
}
