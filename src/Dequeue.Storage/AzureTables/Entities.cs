using Azure;
using Azure.Data.Tables;
using Dequeue.Sync.Storage;

namespace Dequeue.Storage.AzureTables;

/// <summary>Rows as Azure's entities, and back.</summary>
internal static class Entities
{
    /// <summary>An entity as a row.</summary>
    public static TableRow Read(TableEntity entity)
    {
        var row = new TableRow(entity.RowKey, entity.ETag.ToString());
        foreach (var (name, value) in entity)
        {
            if (name is "odata.etag" or "PartitionKey" or "RowKey" or "Timestamp") continue;
            _ = value switch
            {
                string text => row.Set(name, text),
                int number => row.Set(name, number),
                long number => row.Set(name, number),
                byte[] bytes => row.Set(name, bytes),
                BinaryData bytes => row.Set(name, bytes.ToMemory()),
                _ => row,
            };
        }

        return row;
    }

    /// <summary>An operation as an action of a transaction.</summary>
    public static TableTransactionAction Action(string partition, RowOperation operation) => operation switch
    {
        RowOperation.Insert insert => new(TableTransactionActionType.Add, Entity(partition, insert.Row)),
        RowOperation.Replace replace => new(TableTransactionActionType.UpdateReplace, Entity(partition, replace.Row), Condition(replace.ETag)),
        RowOperation.Put put => new(TableTransactionActionType.UpsertReplace, Entity(partition, put.Row)),
        RowOperation.Delete delete => new(TableTransactionActionType.Delete, new TableEntity(partition, delete.Key), Condition(delete.ETag)),
        _ => throw new ArgumentException($"An operation cannot be a {operation.GetType().Name}.", nameof(operation)),
    };

    private static TableEntity Entity(string partition, TableRow row)
    {
        var entity = new TableEntity(partition, row.Key);
        foreach (var (name, value) in row.Properties) entity[name] = value is ReadOnlyMemory<byte> bytes ? BinaryData.FromBytes(bytes) : value;
        return entity;
    }

    private static ETag Condition(string? eTag) => eTag is null ? ETag.All : new ETag(eTag);
}
