using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Dequeue.Sync.Log.Entities;

/// <summary>
/// An entity as the index names it: the first 16 bytes of the SHA-256 of its id. Ids may be of any length and hold what no row key
/// may. Whoever made two ids with one key would see events of both come early, in his own log, and no harm beyond that.
/// </summary>
/// <param name="Value">The 16 bytes, big-endian.</param>
internal readonly record struct EntityKey(UInt128 Value)
{
    /// <summary>Bytes of a stored key.</summary>
    public const int Size = 16;

    /// <summary>The key of an id.</summary>
    public static EntityKey Of(ReadOnlySpan<byte> id)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(id, hash);
        return Read(hash);
    }

    /// <summary>The key of an id.</summary>
    public static EntityKey Of(string id) => Of(Encoding.UTF8.GetBytes(id));

    /// <summary>A stored key.</summary>
    public static EntityKey Read(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt128BigEndian(bytes));

    /// <summary>Stores the key.</summary>
    public void Write(Span<byte> bytes) => BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);

    /// <summary>32 lower-case hex digits.</summary>
    public override string ToString() => Value.ToString("x32", System.Globalization.CultureInfo.InvariantCulture);
}
