namespace Dequeue.FunctionsHost.Timers;

/// <summary>Where a schedule stands. Stored, and told to the function.</summary>
/// <param name="Last">The last time it came up; default if it never has.</param>
/// <param name="Next">The next time.</param>
/// <param name="LastUpdated">When this was noted.</param>
internal sealed record ScheduleStatus(DateTime Last, DateTime Next, DateTime LastUpdated);
