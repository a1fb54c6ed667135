using Dequeue.Storage.Sqlite;
using Dequeue.Sync.Backup;
using Dequeue.Sync.Storage;
using Microsoft.Data.Sqlite;

namespace Dequeue.Storage;

/// <summary>
/// All logs of a storage in one file, and back. The file is a SQLite file of the very form that a server keeps its logs in, whatever
/// storage they come from: <c>sqlite:FILE</c> opens it.
/// </summary>
public static class EventLogBackup
{
    /// <summary>
    /// Writes a backup, while servers go on. From SQLite it is all logs at one moment; from Table Storage each log at one moment, as it was
    /// when its turn came. A file that is there stays as it is.
    /// </summary>
    /// <param name="storage">The storage, as <see cref="EventLogStorage.Open"/> gave it.</param>
    /// <param name="file">Where there is nothing yet.</param>
    /// <param name="cancellationToken">Gives up; nothing is left.</param>
    /// <exception cref="IOException">There is something, or it cannot be written.</exception>
    /// <exception cref="StorageUnavailableException">The storage does not answer.</exception>
    public static async Task<BackupReport> WriteAsync(IPartitionedTable storage, string file, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(storage);
        ArgumentException.ThrowIfNullOrEmpty(file);
        if (Path.Exists(file)) throw new IOException($"{file} is there already; a backup goes into a new file.");

        // Under another name until it is whole; readable for its owner alone.
        var unfinished = $"{file}.{Environment.ProcessId}.part";
        try
        {
            CreateForOwner(unfinished);
            var report = storage is SqliteTable sqlite ? Report(await sqlite.BackUpAsync(unfinished)) : await WalkAsync(storage, unfinished, cancellationToken);
            File.Move(unfinished, file, overwrite: false);
            return report;
        }
        finally
        {
            Delete(unfinished);
        }
    }

    /// <summary>
    /// Puts a backup in the place of all logs of a storage. In SQLite that is one transaction; in Table Storage one log after the other,
    /// each empty to readers until it is whole: interrupted, it is finished by restoring again.
    /// </summary>
    /// <param name="file">The backup.</param>
    /// <param name="storage">The storage, as <see cref="EventLogStorage.Open"/> gave it.</param>
    /// <param name="overwrite">Whether logs that are there may go.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What was restored; null when there are logs, and they may not go: then nothing has changed.</returns>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="FormatException">The file is no backup.</exception>
    /// <exception cref="StorageUnavailableException">The storage does not answer.</exception>
    public static async Task<BackupReport?> RestoreAsync(string file, IPartitionedTable storage, bool overwrite, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(storage);
        await CheckAsync(file, cancellationToken);
        var present = await ((ILogList)storage).LogsAsync(cancellationToken).ToListAsync(cancellationToken);
        if (present.Count > 0 && !overwrite) return null;
        if (storage is SqliteTable sqlite) return Report(await sqlite.RestoreAsync(file));

        // A copy of the copy: to open it as a table changes it.
        var opened = $"{file}.{Environment.ProcessId}.part";
        try
        {
            File.Copy(file, opened);
            using var backup = new SqliteTable(opened);
            var saved = await backup.LogsAsync(cancellationToken).ToListAsync(cancellationToken);
            foreach (var log in present.Except(saved)) await LogCopy.EraseAsync(storage, log, cancellationToken);
            return await CopyAsync(backup, saved.ToAsyncEnumerable(), storage, cancellationToken);
        }
        finally
        {
            Delete(opened);
        }
    }

    private static async Task<BackupReport> WalkAsync(IPartitionedTable storage, string file, CancellationToken cancellationToken)
    {
        BackupReport report;
        using (var target = new SqliteTable(file))
            report = await CopyAsync(storage, ((ILogList)storage).LogsAsync(cancellationToken), target, cancellationToken);
        await using var copy = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString());
        await copy.OpenAsync(cancellationToken);
        await using var command = copy.CreateCommand();
        command.CommandText = "PRAGMA journal_mode = DELETE";
        await command.ExecuteNonQueryAsync(cancellationToken);
        return report;
    }

    private static async Task<BackupReport> CopyAsync(
        IPartitionedTable source, IAsyncEnumerable<string> logs, IPartitionedTable target, CancellationToken cancellationToken)
    {
        var (count, rows) = (0L, 0L);
        await foreach (var log in logs.WithCancellation(cancellationToken))
        {
            var copied = await LogCopy.CopyAsync(source, target, log, cancellationToken);
            if (copied > 0) count++;
            rows += copied;
        }

        return new BackupReport(count, rows);
    }

    private static async Task CheckAsync(string file, CancellationToken cancellationToken)
    {
        if (!File.Exists(file)) throw new FileNotFoundException($"There is no file {file}.", file);
        try
        {
            await using var backup = new SqliteConnection(
                new SqliteConnectionStringBuilder { DataSource = file, Mode = SqliteOpenMode.ReadWrite, Pooling = false }.ToString());
            await backup.OpenAsync(cancellationToken);
            await using var command = backup.CreateCommand();
            command.CommandText = "SELECT count(*) FROM rows WHERE key = 'head' AND length(partition) > 0 AND length(properties) > 0 AND version IS NOT NULL";
            await command.ExecuteScalarAsync(cancellationToken);
            command.CommandText = "PRAGMA quick_check";
            if (await command.ExecuteScalarAsync(cancellationToken) is not "ok") throw new FormatException($"{file} is damaged.");
        }
        catch (SqliteException e)
        {
            throw new FormatException($"{file} is no backup of event logs.", e);
        }
    }

    private static void CreateForOwner(string file)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(file)) is { } folder) Directory.CreateDirectory(folder);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var created = new FileStream(file, options);
    }

    private static void Delete(string file)
    {
        foreach (var part in new[] { file, file + "-wal", file + "-shm", file + "-journal" }) File.Delete(part);
    }

    private static BackupReport Report((long Logs, long Rows) counts) => new(counts.Logs, counts.Rows);
}

/// <summary>What a backup holds, or what was restored.</summary>
/// <param name="Logs">How many logs: one for each user of an app.</param>
/// <param name="Rows">How many rows they have.</param>
public sealed record BackupReport(long Logs, long Rows);
