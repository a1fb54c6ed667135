using Dequeue.Sync.Storage;
using Dequeue.Tests.Shared;

namespace Dequeue.Storage.Tests.AzureTables;

/// <summary>A table of its own in Azurite.</summary>
public sealed class AzuriteFixture(Azurite azurite) : ITableFixture, IAsyncLifetime
{
    private static int _tables;
    private IPartitionedTable? _table;
    private string _skip = "";

    public string Setting { get; private set; } = "";

    public string TableName { get; } = $"test{Interlocked.Increment(ref _tables)}";

    public IPartitionedTable Table
    {
        get
        {
            if (_table is null) Assert.Skip(_skip);
            return _table;
        }
    }

    public async ValueTask InitializeAsync()
    {
        try
        {
            Setting = await azurite.ConnectionStringAsync();
            _table = EventLogStorage.Open(Setting, table: TableName);
        }
        catch (NodeUnavailableException e)
        {
            _skip = e.Message;
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
