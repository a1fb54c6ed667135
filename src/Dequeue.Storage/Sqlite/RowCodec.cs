using System.Buffers.Binary;
using System.Text;
using Dequeue.Sync.Storage;

namespace Dequeue.Storage.Sqlite;

/// <summary>
/// A row's properties as one BLOB: per property a type byte, the name (length byte, UTF-8), and the value, little-endian; texts
/// and bytes behind a 32-bit length.
/// </summary>
internal static class RowCodec
{
    private const byte TextType = 1, IntType = 2, LongType = 3, BytesType = 4;

    /// <summary>Writes the properties.</summary>
    public static byte[] Encode(TableRow row)
    {
        using var blob = new MemoryStream();
        using var writer = new BinaryWriter(blob, Encoding.UTF8);
        foreach (var (name, value) in row.Properties)
        {
            switch (value)
            {
                case string text:
                    Begin(TextType, name);
                    Bytes(Encoding.UTF8.GetBytes(text));
                    break;
                case int number:
                    Begin(IntType, name);
                    writer.Write(number);
                    break;
                case long number:
                    Begin(LongType, name);
                    writer.Write(number);
                    break;
                case ReadOnlyMemory<byte> bytes:
                    Begin(BytesType, name);
                    Bytes(bytes.Span);
                    break;
            }
        }

        return blob.ToArray();

        void Begin(byte type, string name)
        {
            writer.Write(type);
            writer.Write(checked((byte)Encoding.UTF8.GetByteCount(name)));
            writer.Write(Encoding.UTF8.GetBytes(name));
        }

        void Bytes(ReadOnlySpan<byte> bytes)
        {
            writer.Write(bytes.Length);
            writer.Write(bytes);
        }
    }

    /// <summary>Reads properties into <paramref name="row"/>; binary ones share <paramref name="blob"/>.</summary>
    /// <exception cref="InvalidDataException">The BLOB is not what <see cref="Encode"/> writes.</exception>
    public static void Decode(ReadOnlyMemory<byte> blob, TableRow row, IReadOnlyList<string>? columns)
    {
        var rest = blob;
        while (!rest.IsEmpty)
        {
            var type = Take(1).Span[0];
            var name = Encoding.UTF8.GetString(Take(Take(1).Span[0]).Span);
            var value = Take(type switch
            {
                IntType => 4,
                LongType => 8,
                TextType or BytesType => BinaryPrimitives.ReadInt32LittleEndian(Take(4).Span),
                _ => throw new InvalidDataException("A row in the SQLite file has a property of unknown type."),
            });
            if (columns is not null && !columns.Contains(name)) continue;
            _ = type switch
            {
                IntType => row.Set(name, BinaryPrimitives.ReadInt32LittleEndian(value.Span)),
                LongType => row.Set(name, BinaryPrimitives.ReadInt64LittleEndian(value.Span)),
                TextType => row.Set(name, Encoding.UTF8.GetString(value.Span)),
                _ => row.Set(name, value),
            };
        }

        ReadOnlyMemory<byte> Take(int count)
        {
            if (count < 0 || count > rest.Length) throw new InvalidDataException("A row in the SQLite file is cut short.");
            var taken = rest[..count];
            rest = rest[count..];
            return taken;
        }
    }
}
