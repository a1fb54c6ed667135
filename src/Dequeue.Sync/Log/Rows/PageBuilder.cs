using Dequeue.Sync.Log.Appending;

namespace Dequeue.Sync.Log.Rows;

/// <summary>Puts events together into a page.</summary>
/// <param name="before">Events of the log before the first one.</param>
/// <param name="events">How many are expected.</param>
/// <param name="bytes">How many bytes they are expected to have, joined by commas.</param>
internal sealed class PageBuilder(long before, int events = 0, int bytes = 0)
{
    private byte[] _json = GC.AllocateUninitializedArray<byte>(Math.Max(bytes, 1));
    private int[] _ends = new int[Math.Max(events, 1)];
    private long[] _ticks = new long[Math.Max(events, 1)];
    private int _count, _length;

    /// <summary>True when the page stays within the limits of a page with one more event of so many bytes.</summary>
    public bool Fits(int eventBytes) => _count < Folding.MaxPageEvents && _length + 1 + eventBytes <= Folding.MaxPageBytes;

    /// <summary>Adds an event of another page.</summary>
    public void Add(EventPage page, int i) => Add(page.EventAt(i).Span, page.CheckpointAt(i).Ticks);

    /// <summary>Adds an event.</summary>
    public void Add(ReadOnlySpan<byte> json, long tick)
    {
        if (_count == _ends.Length)
        {
            Array.Resize(ref _ends, _count * 2);
            Array.Resize(ref _ticks, _count * 2);
        }

        var length = _length + (_count > 0 ? 1 : 0) + json.Length;
        if (length > _json.Length) Array.Resize(ref _json, Math.Max(_json.Length * 2, length));
        if (_count > 0) _json[_length++] = (byte)',';
        json.CopyTo(_json.AsSpan(_length));
        _ends[_count] = _length = length;
        _ticks[_count++] = tick;
    }

    /// <summary>The page. The builder is not used any more.</summary>
    public EventPage Build() => new(before, _json.AsMemory(0, _length), _ends[.._count], _ticks[.._count]);
}
