namespace Dequeue.SampleEvents;

/// <summary>SplitMix64: small, fast, and the same sequence for a seed on every platform and runtime version.</summary>
internal sealed class SeededRandom(ulong seed)
{
    private const string Base36 = "0123456789abcdefghijklmnopqrstuvwxyz";
    private ulong _state = seed;

    /// <summary>A value of 0 to <paramref name="limit"/> - 1.</summary>
    public int Below(int limit) => (int)(((Next() >> 32) * (ulong)limit) >> 32);

    /// <summary>True in <paramref name="percent"/> of 100 calls.</summary>
    public bool Chance(int percent) => Below(100) < percent;

    public T Pick<T>(IReadOnlyList<T> items) => items[Below(items.Count)];

    /// <summary>An id as the app makes them: 8 characters of base-36 milliseconds, then 16 random ones.</summary>
    public string Cuid(long unixMilliseconds)
        => string.Create(24, (this, unixMilliseconds), static (text, of) =>
        {
            var (random, rest) = of;
            for (var i = 7; i >= 0; i--, rest /= 36) text[i] = Base36[(int)(rest % 36)];
            for (var i = 8; i < 24; i++) text[i] = Base36[random.Below(36)];
        });

    /// <summary>A version 4 UUID in the upper case that Apple's platforms write.</summary>
    public string Uuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        BitConverter.TryWriteBytes(bytes, Next());
        BitConverter.TryWriteBytes(bytes[8..], Next());
        bytes[6] = (byte)(bytes[6] & 0x0F | 0x40);
        bytes[8] = (byte)(bytes[8] & 0x3F | 0x80);
        return new Guid(bytes, bigEndian: true).ToString().ToUpperInvariant();
    }

    private ulong Next()
    {
        var z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
