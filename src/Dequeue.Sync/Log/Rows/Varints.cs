namespace Dequeue.Sync.Log.Rows;

/// <summary>Writes non-negative numbers in 7-bit groups, the lowest first; each byte but a number's last has its top bit set.</summary>
internal struct VarintWriter(int capacity)
{
    private byte[] _bytes = new byte[Math.Max(capacity, 16)];
    private int _length;

    public void Write(long value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        if (_length + 9 > _bytes.Length) Array.Resize(ref _bytes, _bytes.Length * 2);
        for (; value > 0x7F; value >>= 7) _bytes[_length++] = (byte)(value | 0x80);
        _bytes[_length++] = (byte)value;
    }

    public readonly byte[] ToArray() => _bytes[.._length];
}

/// <summary>Reads what <see cref="VarintWriter"/> wrote, from bytes that may be damaged.</summary>
internal ref struct VarintReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public bool TryRead(out long value)
    {
        value = 0;
        for (var i = 0; i < _rest.Length && i < 9; i++)
        {
            value |= (long)(_rest[i] & 0x7F) << (7 * i);
            if (_rest[i] > 0x7F) continue;
            _rest = _rest[(i + 1)..];
            return true;
        }

        return false;
    }
}
