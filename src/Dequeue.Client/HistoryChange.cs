namespace Dequeue.Client;

/// <summary>The device and the server were found to hold different histories.</summary>
/// <param name="PushedAgain">How many of the device's events the server lacked and has again, because it was put back; null when nothing
/// could be healed.</param>
/// <param name="Failure">Why it could not; null when it was.</param>
public sealed record HistoryChange(long? PushedAgain, SyncFailure? Failure)
{
    /// <summary>One sentence for people.</summary>
    public override string ToString()
        => Failure?.Message
            ?? $"The server had been put back to an earlier state: {Counted.Of(PushedAgain ?? 0, "event")} that it lacked {(PushedAgain == 1 ? "was" : "were")} pushed again, and both hold the same.";
}
