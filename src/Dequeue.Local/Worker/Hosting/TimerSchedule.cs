using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Dequeue.Local.Worker.Hosting;

/// <summary>When a timer function runs.</summary>
/// <param name="Text">The schedule, after settings are filled in.</param>
/// <param name="Next">The first time after another, in UTC.</param>
internal sealed record TimerSchedule(string Text, Func<DateTime, DateTime> Next)
{
    /// <summary>A schedule that comes more often is not kept in storage, as in the Functions host.</summary>
    private static readonly TimeSpan ShortestMonitored = TimeSpan.FromMinutes(1);

    /// <summary>Whether it comes seldom enough that the last run is kept.</summary>
    public bool CanBeMonitored(DateTime now) => Next(Next(now)) - Next(now) >= ShortestMonitored;

    /// <exception cref="InvalidOperationException">The schedule cannot be understood; one sentence says why.</exception>
    public static TimerSchedule Parse(string function, string text, IConfiguration configuration)
    {
        if (text.Length > 2 && text[0] == '%' && text[^1] == '%')
        {
            text = configuration[text[1..^1].Replace("__", ":", StringComparison.Ordinal)]
                ?? throw new InvalidOperationException($"Function '{function}': the setting {text[1..^1]} that holds its schedule is missing.");
        }

        if (!text.Contains(' ', StringComparison.Ordinal)
            && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var interval) && interval > TimeSpan.Zero)
        {
            return new TimerSchedule(text, after => after + interval);
        }

        try
        {
            return new TimerSchedule(text, Ncrontab.Parse(text).Next);
        }
        catch (FormatException exception)
        {
            throw new InvalidOperationException($"Function '{function}': its schedule is not valid: {exception.Message}");
        }
    }
}
