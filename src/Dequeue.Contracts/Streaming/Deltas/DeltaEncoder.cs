using System.Buffers;

namespace Dequeue.Contracts.Streaming.Deltas;

/// <summary>
/// Writes the events of batches with states as patches, as docs/protocol.md tells. One for a run of batches of one stream, in order;
/// it copies the states that it needs, up to 8 MB, and begins anew when there are more. Not thread-safe.
/// </summary>
public sealed class DeltaEncoder
{
    private readonly EntityStates _states = new();
    private readonly MergePatch _patches = new();
    private readonly ArrayBufferWriter<byte> _patch = new(), _events = new();

    /// <summary>Writes the events of the next batch.</summary>
    /// <param name="events">The events, minified.</param>
    public DeltaBatch Encode(IReadOnlyList<ReadOnlyMemory<byte>> events)
    {
        ArgumentNullException.ThrowIfNull(events);
        long bytes = _states.Bytes;
        for (var i = 0; i < events.Count; i++) bytes += events[i].Length + EntityStates.EntryBytes;
        if (bytes > EntityStates.MaxBytes) _states.Clear();

        // Of an encoder that is new to the stream too: its client may still have states, of a step that is repeated.
        var forgets = _states.Bytes == 0;
        _events.ResetWrittenCount();
        var deltas = new List<int>();
        for (var i = 0; i < events.Count; i++)
        {
            if (i > 0) _events.Write(","u8);
            if (Write(events[i].Span)) deltas.Add(i);
        }

        return new DeltaBatch(_events.WrittenMemory, deltas, forgets);
    }

    private bool Write(ReadOnlySpan<byte> json)
    {
        if (!EntityState.TryFind(json, out var found))
        {
            _events.Write(json);
            return false;
        }

        var state = json[found.State];
        var isPatched = _states.TryGet(found, out var last) && _patches.TryMake(last, state, _patch);
        if (isPatched)
        {
            _events.Write(json[..found.State.Start]);
            _events.Write(_patch.WrittenSpan);
            _events.Write(json[found.State.End..]);
        }
        else
        {
            _events.Write(json);
        }

        _states.Set(found, state);
        return isPatched;
    }
}

/// <summary>The events of a batch as they go on the wire.</summary>
/// <param name="Events">The events joined by commas. Valid until the encoder writes the next batch.</param>
/// <param name="Deltas">The places of those whose state is a patch, from 0, rising.</param>
/// <param name="ForgetsStates">Whether the states of earlier batches are to be forgotten.</param>
public sealed record DeltaBatch(ReadOnlyMemory<byte> Events, IReadOnlyList<int> Deltas, bool ForgetsStates);
