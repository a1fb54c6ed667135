using Dequeue.Contracts.Streaming;
using Dequeue.Contracts.Streaming.Deltas;

namespace Dequeue.Sync.Streaming;

/// <summary>
/// The bytes of a batch message, as parts that are sent one after the other. Unless states come as patches, the events of a batch are
/// never copied, parsed or written again, and a gzipped batch holds them as they are stored, without being unpacked and packed.
/// </summary>
internal static class BatchMessage
{
    private static readonly byte[] Comma = [(byte)','];
    private static readonly byte[] Suffix = BatchFrame.Suffix.ToArray();

    /// <summary>The message as plain JSON.</summary>
    public static List<ReadOnlyMemory<byte>> Plain(StreamBatch batch)
    {
        var parts = new List<ReadOnlyMemory<byte>>(2 * batch.Runs.Count + 1) { BatchFrame.Prefix(Head(batch)) };
        foreach (var run in batch.Runs)
        {
            if (parts.Count > 1) parts.Add(Comma);
            parts.Add(run.Json);
        }

        parts.Add(Suffix);
        return parts;
    }

    /// <summary>The message as plain JSON with states as patches.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="encoder">Knows the states of earlier batches; the parts are valid until it writes the next.</param>
    public static List<ReadOnlyMemory<byte>> Plain(StreamBatch batch, DeltaEncoder encoder)
    {
        var written = encoder.Encode([.. batch.Runs.SelectMany(run => Enumerable.Range(0, run.Count).Select(run.EventAt))]);
        return [BatchFrame.Prefix(Head(batch) with { Deltas = written.Deltas, ForgetsStates = written.ForgetsStates }), written.Events, Suffix];
    }

    /// <summary>
    /// The message as one gzip member: stored blocks for what stands around the events, and between them the segments as they are.
    /// </summary>
    /// <param name="batch">The batch; its pages may be packed.</param>
    public static List<ReadOnlyMemory<byte>> Gzip(StreamBatch batch)
    {
        var member = new GzipMember();
        member.AddStored(BatchFrame.Prefix(Head(batch)));
        for (var i = 0; i < batch.Runs.Count; i++)
        {
            if (i > 0) member.AddStored(Comma);
            member.Add(batch.Runs[i].Pack());
        }

        member.AddStored(Suffix, isFinal: true);
        return member.Finish();
    }

    private static BatchHead Head(StreamBatch batch) => new(batch.Index, batch.IsLast, batch.Checkpoint) { IsPriority = batch.IsPriority, References = batch.References };
}
