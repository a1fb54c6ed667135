namespace Dequeue.Contracts;

/// <summary>A <see cref="HistoryClaim"/> in the JSON of a request, a field at a time.</summary>
public static class HistoryClaimFields
{
    /// <summary>What is wrong with an <c>epoch</c> that cannot be read.</summary>
    public const string EpochRule = "epoch is a text of 1 to 64 letters, digits, - and _, as the server told it.";

    /// <summary>What is wrong with a <c>position</c> that cannot be read.</summary>
    public const string PositionRule = "position is a whole number from 0.";

    /// <summary>Reads the value that <paramref name="json"/> stands on.</summary>
    public static bool TryReadEpoch(ref JsonObjectReader json, out string? epoch)
    {
        epoch = json.Text();
        return HistoryClaim.IsEpoch(epoch);
    }

    /// <summary>Reads the value that <paramref name="json"/> stands on.</summary>
    public static bool TryReadPosition(ref JsonObjectReader json, out long position)
    {
        position = json.WholeNumber() ?? -1;
        return position >= 0;
    }
}
