namespace Dequeue.Tests.Shared;

/// <summary>What a test waits at most for something that comes. It decides nothing: on a busy machine all takes longer, and a test that waits
/// in vain should end before the run does.</summary>
internal static class Guard
{
    /// <summary>Two minutes: many times what the slowest of them takes.</summary>
    public static readonly TimeSpan Time = TimeSpan.FromMinutes(2);
}
