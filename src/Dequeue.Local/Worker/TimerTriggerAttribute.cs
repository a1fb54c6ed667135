namespace Dequeue.Local.Worker;

/// <summary>Marks the parameter of a function that runs on a schedule.</summary>
/// <param name="schedule">
/// A six-field NCRONTAB expression (second, minute, hour, day, month, day of week; UTC), a <see cref="TimeSpan"/>, or
/// <c>%Name%</c> for a setting that holds one.
/// </param>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class TimerTriggerAttribute(string schedule) : Attribute
{
    /// <summary>The schedule as written.</summary>
    public string Schedule { get; private set; } = schedule;

    /// <summary>Keep the last run in storage, so that a run missed while the host was down is made up for. Default true.</summary>
    public bool UseMonitor { get; set; } = true;

    /// <summary>Run once when the host starts, whatever the schedule says.</summary>
    public bool RunOnStartup { get; set; }
}
