using System.Buffers;
using Dequeue.Contracts.Events;

namespace Dequeue.Contracts.Streaming.Deltas;

/// <summary>
/// Rebuilds the events of batches whose states came as patches. One for one stream; it must see every batch in the order of arrival,
/// those without patches and those that are repeated too: what a patch is against is what came before it on the wire. It holds at
/// most 8 MB of states. Not thread-safe.
/// </summary>
/// <param name="maxBatchBytes">Most bytes of the rebuilt events of a batch: what a message may have.</param>
public sealed class DeltaDecoder(int maxBatchBytes)
{
    private readonly EntityStates _states = new();
    private readonly MergePatch _patches = new();
    private int _lastIndex = -1;

    /// <summary>Rebuilds the events of the next batch.</summary>
    /// <param name="batch">The batch as it came.</param>
    /// <param name="problem">Why it cannot be rebuilt.</param>
    /// <returns>The batch with its events as they were pushed, or null: then the stream is to be given up, and so is this.</returns>
    public StreamMessage.Batch? Rebuild(StreamMessage.Batch batch, out string? problem)
    {
        ArgumentNullException.ThrowIfNull(batch);
        problem = null;
        if (batch.ForgetsStates)
        {
            _states.Clear();
        }
        else if (batch.BatchIndex != _lastIndex + 1)
        {
            // A repeated step begins with a reset. Without one it is some other sender's batch, against states that are not these.
            problem = "A batch with deltas does not follow the one before.";
            return null;
        }

        _lastIndex = batch.BatchIndex;
        if (batch.Deltas.Count > 0 && !AreIn(batch.Deltas, batch.Events.Count))
        {
            problem = "A batch names deltas that it does not have.";
            return null;
        }

        if (Rebuilt(batch) is { } rebuilt) return rebuilt;
        problem = "A batch has a delta that fits no earlier state.";
        return null;
    }

    private StreamMessage.Batch? Rebuilt(StreamMessage.Batch batch)
    {
        var (bytes, ends) = (new ArrayBufferWriter<byte>(), new int[batch.Deltas.Count]);
        for (var (i, delta) = (0, 0); i < batch.Events.Count; i++)
        {
            var json = batch.Events[i].Json.Span;
            var has = EntityState.TryFind(json, out var found);
            if (delta == batch.Deltas.Count || batch.Deltas[delta] != i)
            {
                if (has) _states.Set(found, json[found.State]);
                continue;
            }

            if (!has || !_states.TryGet(found, out var last)) return null;
            bytes.Write(json[..found.State.Start]);
            var start = bytes.WrittenCount;
            if (!_patches.TryApply(last, json[found.State], bytes) || bytes.WrittenCount > maxBatchBytes) return null;
            _states.Set(found, bytes.WrittenSpan[start..]);
            bytes.Write(json[found.State.End..]);
            ends[delta++] = bytes.WrittenCount;
        }

        return ends.Length == 0 ? batch : batch with { Events = Replaced(batch, bytes.WrittenMemory, ends), Deltas = [] };
    }

    private static SyncEvent[] Replaced(StreamMessage.Batch batch, ReadOnlyMemory<byte> bytes, int[] ends)
    {
        SyncEvent[] events = [.. batch.Events];
        for (var i = 0; i < ends.Length; i++)
        {
            var place = batch.Deltas[i];
            events[place] = events[place] with { Json = bytes[(i == 0 ? 0 : ends[i - 1])..ends[i]] };
        }

        return events;
    }

    private static bool AreIn(IReadOnlyList<int> places, int count)
    {
        var last = -1;
        for (var i = 0; i < places.Count; i++)
        {
            if (places[i] <= last || places[i] >= count) return false;
            last = places[i];
        }

        return true;
    }
}
