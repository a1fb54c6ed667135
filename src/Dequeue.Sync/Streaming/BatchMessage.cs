using Dequeue.Contracts.Streaming;

namespace Dequeue.Sync.Streaming;

/// <summary>
/// The bytes of a batch message, as parts that are sent one after the other: the events of a batch are never copied, parsed or
/// written again, and a gzipped batch holds them as they are stored, without being unpacked and packed.
/// </summary>
public static class BatchMessage
{
    private static readonly byte[] Comma = [(byte)','];
    private static readonly byte[] Suffix = BatchFrame.Suffix.ToArray();

    /// <summary>The message in an encoding.</summary>
    /// <param name="batch">The batch; its pages may be packed if the encoding is gzip.</param>
    /// <param name="encoding"><see cref="BatchEncodings.Gzip"/>, or null for plain JSON.</param>
    public static IReadOnlyList<ReadOnlyMemory<byte>> Parts(StreamBatch batch, string? encoding)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return encoding == BatchEncodings.Gzip ? Gzip(batch) : Plain(batch);
    }

    private static List<ReadOnlyMemory<byte>> Plain(StreamBatch batch)
    {
        var parts = new List<ReadOnlyMemory<byte>>(2 * batch.Runs.Count + 1) { Prefix(batch) };
        foreach (var run in batch.Runs)
        {
            if (parts.Count > 1) parts.Add(Comma);
            parts.Add(run.Json);
        }

        parts.Add(Suffix);
        return parts;
    }

    // One gzip member: stored blocks for what stands around the events, and between them the segments as they are.
    private static List<ReadOnlyMemory<byte>> Gzip(StreamBatch batch)
    {
        var member = new GzipMember();
        member.AddStored(Prefix(batch));
        for (var i = 0; i < batch.Runs.Count; i++)
        {
            if (i > 0) member.AddStored(Comma);
            member.Add(batch.Runs[i].Pack());
        }

        member.AddStored(Suffix, isFinal: true);
        return member.Finish();
    }

    private static byte[] Prefix(StreamBatch batch)
        => BatchFrame.Prefix(new BatchHead(batch.Index, batch.IsLast, batch.Checkpoint) { IsPriority = batch.IsPriority, References = batch.References });
}
