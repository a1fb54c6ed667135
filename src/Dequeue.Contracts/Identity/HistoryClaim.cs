namespace Dequeue.Contracts;

/// <summary>What a client says of its store, so that it is told when store and log are not one history. Each part may be missing.</summary>
/// <param name="Epoch">The epoch of the log that the store belongs to.</param>
/// <param name="Position">How many events of that log the store holds up to its checkpoint.</param>
public readonly record struct HistoryClaim(string? Epoch, long? Position)
{
    /// <summary>Most characters of an epoch.</summary>
    public const int MaxEpochLength = 64;

    /// <summary>True when nothing is said.</summary>
    public bool IsEmpty => Epoch is null && Position is null;

    /// <summary>Whether a text can be an epoch: 1 to <see cref="MaxEpochLength"/> letters, digits, <c>-</c> and <c>_</c>.</summary>
    public static bool IsEpoch(string? text)
        => text is { Length: > 0 and <= MaxEpochLength } && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
}
