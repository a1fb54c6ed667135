namespace Dequeue.Local.Worker;

/// <summary>What a timer function is told about its run.</summary>
public class TimerInfo
{
    /// <summary>The schedule's state; null when the trigger does not keep it.</summary>
    public ScheduleStatus? ScheduleStatus { get; set; }

    /// <summary>True when the run is later than scheduled, because the host was down.</summary>
    public bool IsPastDue { get; set; }
}

/// <summary>The state of a schedule, in UTC.</summary>
public class ScheduleStatus
{
    /// <summary>The last scheduled run; <see cref="DateTime.MinValue"/> before the first.</summary>
    public DateTime Last { get; set; }

    /// <summary>The next scheduled run.</summary>
    public DateTime Next { get; set; }

    /// <summary>When this state was written.</summary>
    public DateTime LastUpdated { get; set; }
}
