using System.CommandLine;
using Dequeue.Cli.Serving;
using Dequeue.Storage;
using Dequeue.Sync.Storage;

namespace Dequeue.Cli.Commands;

/// <summary>The options of a command that works on logs where they are stored, without a server.</summary>
internal sealed class StoredLogs
{
    private readonly ServerOptions _server = new();

    public void AddTo(Command command)
    {
        command.Options.Add(_server.Data);
        command.Options.Add(_server.Storage);
    }

    /// <summary>The data folder, as it was named.</summary>
    public string? DataFolderOf(ParseResult parsed) => parsed.GetValue(_server.Data);

    /// <summary>Does something with the storage.</summary>
    public async Task<T> UseAsync<T>(ParseResult parsed, Func<IPartitionedTable, Task<T>> work)
    {
        var table = EventLogStorage.Open(parsed.GetValue(_server.Storage) ?? "sqlite:" + DataFolder.Open(DataFolderOf(parsed)).Events);
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
