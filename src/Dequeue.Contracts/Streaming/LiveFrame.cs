using System.Globalization;
using System.Text;

namespace Dequeue.Contracts.Streaming;

/// <summary>
/// The bytes around the events of a <c>sync.stream.live</c>: newly committed events, for who asked with <c>"live":true</c>. Its
/// <c>before</c> counts the events of the log before its first. A client knows from the <c>position</c> of <c>complete</c> how many
/// it has: equal, the events follow; smaller, some are known already (their ids tell); larger, some are missing, and it pulls.
/// It may come before <c>complete</c>, for events that were committed while the stream ran; the client keeps it until then.
/// </summary>
public static class LiveFrame
{
    /// <summary>The message's <c>type</c>.</summary>
    public const string Type = "sync.stream.live";

    /// <summary>What stands before the first event.</summary>
    /// <param name="before">Events of the log before the first.</param>
    /// <param name="checkpoint">The position after the last.</param>
    /// <param name="epoch">The log's epoch; null when it has none.</param>
    public static byte[] Prefix(long before, Checkpoint checkpoint, string? epoch = null)
    {
        var named = epoch is null ? "" : $"\"epoch\":\"{epoch}\",";
        return Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"{{\"type\":\"{Type}\",\"before\":{before},\"checkpoint\":\"{checkpoint}\",{named}\"events\":["));
    }

    /// <summary>What follows the last event.</summary>
    public static ReadOnlySpan<byte> Suffix => "]}"u8;
}
