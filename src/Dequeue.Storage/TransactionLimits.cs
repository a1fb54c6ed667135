using System.Text;
using Dequeue.Sync.Storage;

namespace Dequeue.Storage;

/// <summary>Refuses what Azure would refuse, before it is sent: emulators let some of it pass.</summary>
internal static class TransactionLimits
{
    /// <summary>Bytes of one operation in a request beside keys and properties: the part's headers and the entity's frame.</summary>
    private const int OperationOverhead = 1024;

    /// <summary>Bytes of one property beside name and value: its type and punctuation.</summary>
    private const int PropertyOverhead = 64;

    /// <summary>Checks a transaction.</summary>
    /// <exception cref="ArgumentException">It passes a limit; the message says which.</exception>
    public static void Check(string partition, IReadOnlyList<RowOperation> operations)
    {
        if (operations.Count is < 1 or > TableLimits.Operations)
        {
            throw Refused($"A transaction has 1 to {TableLimits.Operations} operations, not {operations.Count}");
        }

        CheckKey(partition);
        var keys = new HashSet<string>(StringComparer.Ordinal);
        long bytes = 0;
        foreach (var operation in operations)
        {
            CheckKey(operation.RowKey);
            if (!keys.Add(operation.RowKey)) throw Refused("A transaction may name a row once");
            bytes += OperationOverhead + 2 * Encoding.UTF8.GetByteCount(partition + operation.RowKey);
            if (operation is RowOperation.Insert insert) bytes += CheckRow(insert.Row);
            else if (operation is RowOperation.Replace replace) bytes += CheckRow(replace.Row);
            else if (operation is RowOperation.Put put) bytes += CheckRow(put.Row);
        }

        if (bytes > TableLimits.TransactionBytes) throw Refused($"A transaction has at most {TableLimits.TransactionBytes} bytes, not {bytes}");
    }

    private static long CheckRow(TableRow row)
    {
        if (row.Properties.Count > TableLimits.Properties)
        {
            throw Refused($"A row has at most {TableLimits.Properties} properties, not {row.Properties.Count}");
        }

        var size = TableLimits.SizeOf(row);
        if (size > TableLimits.RowBytes) throw Refused($"A row has at most {TableLimits.RowBytes} bytes, not {size}");
        long bytes = 0;
        foreach (var (name, value) in row.Properties)
        {
            bytes += PropertyOverhead + 2 * name.Length + value switch
            {
                ReadOnlyMemory<byte> binary when binary.Length > TableLimits.BinaryBytes => throw Refused("A binary property has at most 64 KiB"),
                string text when text.Length > TableLimits.TextChars => throw Refused("A text property has at most 64 KiB"),
                ReadOnlyMemory<byte> binary => (binary.Length + 2) / 3 * 4,
                string text => 6L * text.Length,
                _ => 20,
            };
        }

        return bytes;
    }

    private static void CheckKey(string key)
    {
        if (key.Length > TableLimits.KeyChars) throw Refused($"A key has at most {TableLimits.KeyChars} characters");
        if (key.AsSpan().IndexOfAny("/\\#?") >= 0 || key.Any(char.IsControl)) throw Refused("A key has no control characters and none of / \\ # ?");
    }

    private static ArgumentException Refused(string why) => new($"{why}.");
}
