using System.Security.Cryptography;
using Dequeue.Contracts;
using Dequeue.Sync.Storage;

namespace Dequeue.Sync.Log.Rows;

/// <summary>
/// The row that keeps a log's epoch beside the head: a version that knows no epochs drops it from the head with its next append, but
/// leaves this row alone.
/// </summary>
internal static class EpochRow
{
    private const string EpochColumn = "u";

    /// <summary>Bytes of a new epoch: as many as make no two logs ever meet.</summary>
    private const int EpochBytes = 16;

    /// <summary>An epoch that no other log has.</summary>
    public static string NewEpoch() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(EpochBytes));

    /// <summary>Makes the row.</summary>
    public static TableRow Create(string epoch) => new TableRow(LogRows.Epoch).Set(EpochColumn, epoch);

    /// <summary>The epoch of a log whose head does not tell it.</summary>
    /// <returns>Null when only versions without epochs have written to the log.</returns>
    public static async Task<string?> FindAsync(IPartitionedTable table, string log, CancellationToken cancellationToken)
        => Read((await table.GetAsync(log, LogRows.Epoch, null, cancellationToken))?.TextOf(EpochColumn));

    /// <summary>Reads a stored epoch.</summary>
    /// <exception cref="LogCorruptException">It is none.</exception>
    public static string? Read(string? stored)
        => stored is null || HistoryClaim.IsEpoch(stored) ? stored : throw new LogCorruptException("A row names an impossible epoch.");
}
