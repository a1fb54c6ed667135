namespace Dequeue.Sync.Storage;

/// <summary>A row: its key, its version, and named properties that are text, 32-bit or 64-bit integers, or bytes.</summary>
public sealed class TableRow
{
    private readonly Dictionary<string, object> _properties = new(StringComparer.Ordinal);

    /// <summary>A row without properties.</summary>
    /// <param name="key">The row key.</param>
    /// <param name="eTag">The version, when the row was read from storage.</param>
    public TableRow(string key, string? eTag = null)
    {
        Key = key;
        ETag = eTag;
    }

    /// <summary>The row key, unique in its partition.</summary>
    public string Key { get; }

    /// <summary>The version that storage gave it; null for a row that was not read from storage.</summary>
    public string? ETag { get; }

    /// <summary>The properties: each value is a string, an int, a long or a <see cref="ReadOnlyMemory{T}"/> of bytes.</summary>
    public IReadOnlyDictionary<string, object> Properties => _properties;

    /// <summary>Sets a text property.</summary>
    public TableRow Set(string name, string value) => SetValue(name, value);

    /// <summary>Sets a 32-bit property.</summary>
    public TableRow Set(string name, int value) => SetValue(name, value);

    /// <summary>Sets a 64-bit property.</summary>
    public TableRow Set(string name, long value) => SetValue(name, value);

    /// <summary>Sets a binary property; the bytes are not copied.</summary>
    public TableRow Set(string name, ReadOnlyMemory<byte> value) => SetValue(name, value);

    /// <summary>A text property, or null when there is none of that name and type.</summary>
    public string? TextOf(string name) => Value(name) as string;

    /// <summary>A 32-bit property, or null when there is none of that name and type.</summary>
    public int? IntOf(string name) => Value(name) as int?;

    /// <summary>A 64-bit property, or null when there is none of that name and type.</summary>
    public long? LongOf(string name) => Value(name) as long?;

    /// <summary>A binary property, or null when there is none of that name and type.</summary>
    public ReadOnlyMemory<byte>? BytesOf(string name) => Value(name) as ReadOnlyMemory<byte>?;

    private object? Value(string name) => _properties.GetValueOrDefault(name);

    private TableRow SetValue(string name, object value)
    {
        _properties[name] = value;
        return this;
    }
}
