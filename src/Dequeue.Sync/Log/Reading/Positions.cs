using Dequeue.Contracts;

namespace Dequeue.Sync.Log.Reading;

/// <summary>Positions that come from clients.</summary>
public static class Positions
{
    /// <summary>
    /// The position of a reader who has read to the end. A client may hand back a checkpoint that lies after the head (of another
    /// deployment, or made up): it is told the head instead, or it would never see the events that are committed in between.
    /// </summary>
    public static Checkpoint NotPast(Checkpoint since, LogHead head)
    {
        ArgumentNullException.ThrowIfNull(head);
        return head.Count == 0 || since <= head.Last ? since : head.Last;
    }
}
