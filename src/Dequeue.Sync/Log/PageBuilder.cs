namespace Dequeue.Sync.Log;

/// <summary>Puts events together into a page.</summary>
/// <param name="events">How many are expected.</param>
/// <param name="bytes">How many bytes they are expected to have, joined by commas.</param>
internal sealed class PageBuilder(int events, int bytes)
{
    private byte[] _json = GC.AllocateUninitializedArray<byte>(Math.Max(bytes, 1));
    private int[] _ends = new int[Math.Max(events, 1)];
    private long[] _ticks = new long[Math.Max(events, 1)];
    private int _length;

    /// <summary>Events so far.</summary>
    public int Count { get; private set; }

    /// <summary>True when the page stays within the limits of a page with one more event of so many bytes.</summary>
    public bool Fits(int eventBytes) => Count < Folding.MaxPageEvents && _length + 1 + eventBytes <= Folding.MaxPageBytes;

    /// <summary>Adds an event.</summary>
    public void Add(ReadOnlySpan<byte> json, long tick)
    {
        if (Count == _ends.Length)
        {
            Array.Resize(ref _ends, Count * 2);
            Array.Resize(ref _ticks, Count * 2);
        }

        var length = _length + (Count > 0 ? 1 : 0) + json.Length;
        if (length > _json.Length) Array.Resize(ref _json, Math.Max(_json.Length * 2, length));
        if (Count > 0) _json[_length++] = (byte)',';
        json.CopyTo(_json.AsSpan(_length));
        _ends[Count] = _length = length;
        _ticks[Count++] = tick;
    }

    /// <summary>The page; the builder is not used any more.</summary>
    /// <param name="before">Events of the log before the page's first.</param>
    public EventPage Build(long before) => new(before, _json.AsMemory(0, _length), _ends[..Count], _ticks[..Count]);
}
