using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Dequeue.Sync.Log.Rows;

namespace Dequeue.Sync.Log;

/// <summary>
/// Events of one log, in commit order: consecutive ones, unless they were selected. Immutable; slices share the bytes. A page that
/// was read packed has its content as it is stored: only <see cref="Pack"/>, positions and lengths can be had of it.
/// </summary>
public sealed class EventPage
{
    private readonly ReadOnlyMemory<byte> _json;
    private readonly PackedEvents? _packed;
    private readonly int[] _ends;
    private readonly long[] _ticks;
    private readonly int _start;

    /// <summary>A page over arrays that nobody changes any more.</summary>
    /// <param name="before">Events of the log before the page's first.</param>
    /// <param name="json">The events, joined by single commas.</param>
    /// <param name="ends">Where each event ends in <paramref name="json"/>.</param>
    /// <param name="ticks">The commit tick of each event.</param>
    internal EventPage(long before, ReadOnlyMemory<byte> json, int[] ends, long[] ticks)
        : this(before, json, ends, ticks, 0, ends.Length)
    {
    }

    /// <summary>A page whose content stays packed.</summary>
    internal EventPage(long before, PackedEvents packed, int[] ends, long[] ticks)
        : this(before, ReadOnlyMemory<byte>.Empty, ends, ticks) => _packed = packed;

    private EventPage(long before, ReadOnlyMemory<byte> json, int[] ends, long[] ticks, int start, int count, PackedEvents? packed = null)
    {
        (Before, _json, _ends, _ticks, _start, Count, _packed) = (before, json, ends, ticks, start, count, packed);
    }

    /// <summary>Events in the page, at least 1.</summary>
    public int Count { get; }

    /// <summary>Events of the log before the page's first.</summary>
    public long Before { get; }

    /// <summary>
    /// The stored SHA-256 over the events, each followed by a line feed; null for a slice and for a page that is not stored as it
    /// is. Reading did not check it.
    /// </summary>
    public ReadOnlyMemory<byte>? Digest { get; internal init; }

    /// <summary>Where a client can fetch the page by itself; null when it cannot. A page that has it holds no content.</summary>
    public PageReference? Reference { get; private init; }

    /// <summary>The commit position of the first event.</summary>
    public Checkpoint First => CheckpointAt(0);

    /// <summary>The commit position of the last event.</summary>
    public Checkpoint Last => CheckpointAt(Count - 1);

    /// <summary>The events joined by single commas, as they stand between the brackets of a JSON array.</summary>
    public ReadOnlyMemory<byte> Json => _json[StartOf(0).._ends[_start + Count - 1]];

    /// <summary>Bytes of <see cref="Json"/>.</summary>
    public int Length => _ends[_start + Count - 1] - StartOf(0);

    /// <summary>The content as a segment: the stored one of a page that was read packed, else made now.</summary>
    public PackedEvents Pack() => _packed ?? PackedEvents.Pack(Json.Span);

    /// <summary>The commit position of one event.</summary>
    /// <param name="i">0 to <see cref="Count"/> - 1.</param>
    public Checkpoint CheckpointAt(int i) => Checkpoint.FromTicks(_ticks[Index(i)]);

    /// <summary>The bytes of one event.</summary>
    /// <param name="i">0 to <see cref="Count"/> - 1.</param>
    public ReadOnlyMemory<byte> EventAt(int i) => _json[StartOf(i).._ends[Index(i)]];

    /// <summary>Some of the events; nothing is copied.</summary>
    /// <param name="start">The first event to keep.</param>
    /// <param name="count">How many, at least 1.</param>
    public EventPage Slice(int start, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Count - start);
        return new EventPage(Before + start, _json, _ends, _ticks, _start + start, count);
    }

    /// <summary>The page with its content packed as well, by <see cref="PackedEvents.Quick"/>.</summary>
    internal EventPage PackQuickly() => new(Before, _json, _ends, _ticks, _start, Count, PackedEvents.Pack(Json.Span, PackedEvents.Quick));

    /// <summary>The page with its content packed as well, as another has it that holds the same events.</summary>
    internal EventPage PackedAs(EventPage stored) => new(Before, _json, _ends, _ticks, _start, Count, stored._packed);

    /// <summary>The page with its content unpacked.</summary>
    /// <exception cref="InvalidDataException">The content is damaged.</exception>
    internal EventPage Unpack() => _packed is { } packed && _json.IsEmpty ? new EventPage(Before, packed.Unpack(), _ends, _ticks) { Digest = Digest } : this;

    /// <summary>The page without its content, which is fetched from elsewhere.</summary>
    internal EventPage OfferedAs(PageReference reference) => new(Before, ReadOnlyMemory<byte>.Empty, _ends, _ticks) { Digest = Digest, Reference = reference };

    /// <summary>How many of the events lie at or before <paramref name="checkpoint"/>.</summary>
    internal int CountThrough(Checkpoint checkpoint)
    {
        var at = _ticks.AsSpan(_start, Count).BinarySearch(checkpoint.Ticks);
        return at < 0 ? ~at : at + 1;
    }

    private int StartOf(int i) => Index(i) is 0 ? 0 : _ends[_start + i - 1] + 1;

    private int Index(int i)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(i);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(i, Count);
        return _start + i;
    }
}
