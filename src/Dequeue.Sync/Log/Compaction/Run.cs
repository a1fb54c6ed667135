using Dequeue.Contracts;

namespace Dequeue.Sync.Log.Compaction;

/// <summary>
/// The events of a range of sealed pages that still matter at its end, stored once more, close together. The runs of a log follow each
/// other from its beginning without a gap.
/// </summary>
/// <param name="Id">Names its rows.</param>
/// <param name="After">The position before the range.</param>
/// <param name="Through">The position of the range's last event, which always matters at its end.</param>
/// <param name="Events">How many events it has.</param>
internal sealed record Run(long Id, Checkpoint After, Checkpoint Through, long Events);
