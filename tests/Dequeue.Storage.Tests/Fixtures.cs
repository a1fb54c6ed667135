using Dequeue.Sync.Storage;

namespace Dequeue.Storage.Tests;

/// <summary>A table that a test class has for itself.</summary>
public interface ITableFixture
{
    IPartitionedTable Table { get; }
}

/// <summary>A new SQLite file, deleted afterwards.</summary>
public sealed class SqliteFixture : ITableFixture, IDisposable
{
    public SqliteFixture() => Table = EventLogStorage.Open($"sqlite:{Path.Combine(Folder, "log.db")}");

    public string Folder { get; } = Directory.CreateTempSubdirectory("dequeue-log-").FullName;

    public IPartitionedTable Table { get; }

    public void Dispose()
    {
        (Table as IDisposable)?.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
