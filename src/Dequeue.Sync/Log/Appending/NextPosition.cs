using Dequeue.Contracts;

namespace Dequeue.Sync.Log.Appending;

/// <summary>
/// The rule of order: which commit position the next event gets. A position is later than every one before it in its log, whatever clocks do (L1); so
/// nothing ever appears at or below a checkpoint that a reader was given (L2).
/// </summary>
internal static class NextPosition
{
    /// <summary>
    /// The position of a transaction's first event: the time, as long as that moves on; else one tick (100 ns) after the last event. The
    /// events of the transaction follow, a tick apart. Two processes that take the same position race for the head row, and one of them tries again.
    /// </summary>
    /// <param name="last">The position of the log's last event.</param>
    /// <param name="now">The clock, in ticks.</param>
    public static long After(Checkpoint last, long now) => Math.Max(now, last.Ticks + 1);
}
