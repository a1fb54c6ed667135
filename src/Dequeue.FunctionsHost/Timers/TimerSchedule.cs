using System.Globalization;
using NCrontab;

namespace Dequeue.FunctionsHost.Timers;

/// <summary>When a timer function runs.</summary>
/// <param name="Text">The schedule, after settings are filled in.</param>
/// <param name="Next">The first time after another, in UTC.</param>
internal sealed record TimerSchedule(string Text, Func<DateTime, DateTime> Next)
{
    /// <summary>The fields of an expression that begins with seconds.</summary>
    private const int FieldsWithSeconds = 6;

    /// <summary>A schedule that comes more often is not kept in storage, as in the Functions host.</summary>
    private static readonly TimeSpan ShortestMonitored = TimeSpan.FromMinutes(1);

    /// <summary>Whether it comes seldom enough that the last run is kept.</summary>
    public bool CanBeMonitored(DateTime now) => Next(Next(now)) - Next(now) >= ShortestMonitored;

    /// <summary>Reads an NCRONTAB expression (with or without seconds), an interval, or <c>%SETTING%</c> that holds one.</summary>
    /// <param name="function">Whose schedule it is.</param>
    /// <param name="text">The schedule.</param>
    /// <param name="setting">Gives a setting's value, or null.</param>
    /// <param name="now">A time from which the schedule must come up at all.</param>
    /// <exception cref="FunctionsHostException">The schedule cannot be understood; one sentence says why.</exception>
    public static TimerSchedule Parse(string function, string text, Func<string, string?> setting, DateTime now)
    {
        if (text.Length > 2 && text[0] == '%' && text[^1] == '%')
        {
            text = setting(text[1..^1])
                ?? throw new FunctionsHostException($"Function '{function}': the setting {text[1..^1]} that holds its schedule is missing.");
        }

        if (!text.Contains(' ', StringComparison.Ordinal)
            && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var interval) && interval > TimeSpan.Zero)
        {
            return new TimerSchedule(text, after => after + interval);
        }

        var fields = text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length;
        var schedule = CrontabSchedule.TryParse(
            text,
            new CrontabSchedule.ParseOptions { IncludingSeconds = fields == FieldsWithSeconds },
            parsed => parsed,
            wrong => throw new FunctionsHostException($"Function '{function}': its schedule '{text}' is not valid: {wrong().Message}"));
        return schedule.GetNextOccurrence(now) == DateTime.MaxValue
            ? throw new FunctionsHostException($"Function '{function}': its schedule '{text}' never comes up.")
            : new TimerSchedule(text, after => DateTime.SpecifyKind(schedule.GetNextOccurrence(after), DateTimeKind.Utc));
    }
}
