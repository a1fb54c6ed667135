using System.CommandLine;
using Dequeue.Cli.Serving;
using Dequeue.Storage;
using Dequeue.Sync.Storage;

namespace Dequeue.Cli.Commands;

/// <summary>The options of a command that works on logs where they are stored, without a server.</summary>
internal sealed class StoredLogs
{
    private const string SqlitePrefix = "sqlite:";

    private readonly ServerOptions _server = new();

    public void AddTo(Command command)
    {
        command.Options.Add(_server.Data);
        command.Options.Add(_server.Storage);
    }

    /// <summary>The data folder, as it was named.</summary>
    public string? DataFolderOf(ParseResult parsed) => parsed.GetValue(_server.Data);

    /// <summary>Does something with the storage that is there.</summary>
    /// <exception cref="FileNotFoundException">It is a file, and there is none: a typing error in its name must not make one.</exception>
    public Task<T> UseAsync<T>(ParseResult parsed, Func<IPartitionedTable, Task<T>> work)
    {
        var storage = parsed.GetValue(_server.Storage) ?? SqlitePrefix + DataFolder.EventsIn(DataFolderOf(parsed));
        if (storage.StartsWith(SqlitePrefix, StringComparison.OrdinalIgnoreCase) && storage[SqlitePrefix.Length..] is var file && !Path.Exists(file))
            throw new FileNotFoundException($"There are no logs: {Path.GetFullPath(file)} does not exist (--data, --storage).");
        return DoAsync(storage, work);
    }

    /// <summary>Does something with the storage, which is made if need be.</summary>
    public Task<T> MakeAsync<T>(ParseResult parsed, Func<IPartitionedTable, Task<T>> work)
        => DoAsync(parsed.GetValue(_server.Storage) ?? SqlitePrefix + DataFolder.Open(DataFolderOf(parsed)).Events, work);

    private static async Task<T> DoAsync<T>(string storage, Func<IPartitionedTable, Task<T>> work)
    {
        var table = EventLogStorage.Open(storage);
        try
        {
            return await work(table);
        }
        finally
        {
            (table as IDisposable)?.Dispose();
        }
    }
}
