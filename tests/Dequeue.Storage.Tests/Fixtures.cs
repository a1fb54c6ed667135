using Dequeue.Sync.Storage;

namespace Dequeue.Storage.Tests;

/// <summary>A table that a test class has for itself.</summary>
public interface ITableFixture
{
    IPartitionedTable Table { get; }

    /// <summary>How another process opens it.</summary>
    string Setting { get; }

    /// <summary>The table's name there.</summary>
    string TableName { get; }
}

/// <summary>A new SQLite file, deleted afterwards.</summary>
public sealed class SqliteFixture : ITableFixture, IDisposable
{
    public SqliteFixture() => Table = EventLogStorage.Open(Setting);

    public string Folder { get; } = Directory.CreateTempSubdirectory("dequeue-log-").FullName;

    public string Setting => $"sqlite:{Path.Combine(Folder, "log.db")}";

    public string TableName => EventLogStorage.DefaultTable;

    public IPartitionedTable Table { get; }

    public void Dispose()
    {
        (Table as IDisposable)?.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
