namespace Dequeue.Sync.Storage;

/// <summary>The limits of Azure Table Storage, kept by every adapter so that what works on one works on the other.</summary>
public static class TableLimits
{
    /// <summary>Operations in one transaction.</summary>
    public const int Operations = 100;

    /// <summary>Bytes of one transaction's request, where binary values travel as base64.</summary>
    public const int TransactionBytes = 4 * 1024 * 1024;

    /// <summary>Bytes of one row with its names and keys.</summary>
    public const int RowBytes = 1024 * 1024;

    /// <summary>Properties of one row: 255 without the partition key, the row key and the timestamp.</summary>
    public const int Properties = 252;

    /// <summary>Bytes of one binary property.</summary>
    public const int BinaryBytes = 64 * 1024;

    /// <summary>UTF-16 characters of one text property: 64 KiB.</summary>
    public const int TextChars = 32 * 1024;

    /// <summary>UTF-16 characters of a partition key or row key: 1 KiB.</summary>
    public const int KeyChars = 512;

    /// <summary>Rows in one answer.</summary>
    public const int AnswerRows = 1000;

    /// <summary>Bytes at which an answer may be cut short.</summary>
    public const int AnswerBytes = 4 * 1024 * 1024;

    /// <summary>
    /// Bytes of one row by Azure's rule: 4, two per character of the keys, and per property 8, two per character of its name and
    /// its value: 4 or 8 for an integer, 4 more than the bytes for a binary value, 4 more than two per character for a text.
    /// The partition key counts with its longest, so that the sum does not depend on the log.
    /// </summary>
    public static int SizeOf(TableRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return 4 + 2 * (KeyChars + row.Key.Length) + row.Properties.Sum(property => 8 + 2 * property.Key.Length + property.Value switch
        {
            int => 4,
            long => 8,
            string text => 4 + 2 * text.Length,
            ReadOnlyMemory<byte> bytes => 4 + bytes.Length,
            var other => throw new ArgumentException($"A property cannot be a {other.GetType().Name}.", nameof(row)),
        });
    }
}
