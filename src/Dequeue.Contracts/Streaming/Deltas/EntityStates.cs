using System.Diagnostics.CodeAnalysis;

namespace Dequeue.Contracts.Streaming.Deltas;

/// <summary>
/// The last state of each entity, copied. Both sides keep one, feed it the same events, and so agree on what it holds, also on what
/// it does not hold because it is full.
/// </summary>
internal sealed class EntityStates
{
    /// <summary>Most bytes that are held. A history of 10,000 events has some 2 MB of states.</summary>
    public const int MaxBytes = 8 * 1024 * 1024;

    /// <summary>What an entity costs beside its texts: an entry and two array headers.</summary>
    public const int EntryBytes = 96;

    private readonly Dictionary<byte[], byte[]> _states = new(new Utf8Keys());
    private byte[] _key = new byte[64];

    /// <summary>Bytes held.</summary>
    public int Bytes { get; private set; }

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        _states.Clear();
        Bytes = 0;
    }

    /// <summary>The last state of an entity.</summary>
    public bool TryGet(in EntityState entity, [NotNullWhen(true)] out byte[]? state) => Lookup.TryGetValue(Key(entity), out state);

    /// <summary>Makes <paramref name="state"/> the last one of an entity; when there is no room for it, the entity has none.</summary>
    public void Set(in EntityState entity, ReadOnlySpan<byte> state)
    {
        var key = Key(entity);
        var lookup = Lookup;
        if (lookup.TryGetValue(key, out var last))
        {
            if (last.Length == state.Length)
            {
                state.CopyTo(last);
                return;
            }

            lookup.Remove(key);
            Bytes -= Cost(key, last);
        }

        if (Cost(key, state) > MaxBytes - Bytes) return;
        lookup[key] = state.ToArray();
        Bytes += Cost(key, state);
    }

#if NET9_0_OR_GREATER
    private Dictionary<byte[], byte[]>.AlternateLookup<ReadOnlySpan<byte>> Lookup => _states.GetAlternateLookup<ReadOnlySpan<byte>>();
#else
    private CopyingLookup Lookup => new(_states);
#endif

    private static int Cost(ReadOnlySpan<byte> key, ReadOnlySpan<byte> state) => key.Length + state.Length + EntryBytes;

    // Kind and id, parted by what neither can hold: a quote that is not escaped.
    private ReadOnlySpan<byte> Key(in EntityState entity)
    {
        var length = entity.Kind.Length + 1 + entity.Id.Length;
        if (length > _key.Length) _key = new byte[length];
        entity.Kind.CopyTo(_key);
        _key[entity.Kind.Length] = (byte)'"';
        entity.Id.CopyTo(_key.AsSpan(entity.Kind.Length + 1));
        return _key.AsSpan(0, length);
    }

#if !NET9_0_OR_GREATER
    // .NET 8 finds nothing by a span: a copy of the key for each look.
    private readonly struct CopyingLookup(Dictionary<byte[], byte[]> states)
    {
        public byte[] this[ReadOnlySpan<byte> key]
        {
            set => states[key.ToArray()] = value;
        }

        public bool TryGetValue(ReadOnlySpan<byte> key, [NotNullWhen(true)] out byte[]? state) => states.TryGetValue(key.ToArray(), out state);

        public void Remove(ReadOnlySpan<byte> key) => states.Remove(key.ToArray());
    }
#endif

    private sealed class Utf8Keys : IEqualityComparer<byte[]>
#if NET9_0_OR_GREATER
        , IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
#endif
    {
        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] key) => HashOf(key);

#if NET9_0_OR_GREATER
        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate) => HashOf(alternate);

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
#endif

        private static int HashOf(ReadOnlySpan<byte> key)
        {
            var hash = new HashCode();
            hash.AddBytes(key);
            return hash.ToHashCode();
        }
    }
}
