using System.Globalization;

namespace Dequeue.Local.Worker.Hosting;

/// <summary>
/// A schedule of six fields (second, minute, hour, day, month, day of week) in UTC; of five, the second is 0. A field is a
/// list of values, ranges and steps: <c>*</c>, <c>5</c>, <c>1-5</c>, <c>*/10</c>, <c>8-18/2</c>, <c>MON-FRI</c>. All fields
/// must match, the day and the day of week too.
/// </summary>
internal sealed class Ncrontab
{
    private const int SearchYears = 30;

    private static readonly string[] Months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    private static readonly string[] Days = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

    private readonly ulong _seconds;
    private readonly ulong _minutes;
    private readonly ulong _hours;
    private readonly ulong _days;
    private readonly ulong _months;
    private readonly ulong _weekdays;

    private Ncrontab(string[] fields)
    {
        _seconds = Field(fields[0], 0, 59, null);
        _minutes = Field(fields[1], 0, 59, null);
        _hours = Field(fields[2], 0, 23, null);
        _days = Field(fields[3], 1, 31, null);
        _months = Field(fields[4], 1, 12, Months);
        _weekdays = Field(fields[5], 0, 6, Days);
    }

    /// <exception cref="FormatException">The text is not a schedule, or one that never comes.</exception>
    public static Ncrontab Parse(string text)
    {
        var fields = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length is not (5 or 6))
        {
            throw new FormatException($"'{text}' has {fields.Length} fields, not 6.");
        }

        var schedule = new Ncrontab(fields.Length == 5 ? ["0", .. fields] : fields);
        return schedule.TryNext(new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc)) is null
            ? throw new FormatException($"'{text}' never comes.")
            : schedule;
    }

    /// <summary>The first time after another.</summary>
    public DateTime Next(DateTime after) => TryNext(after) ?? throw new InvalidOperationException("The schedule never comes again.");

    private DateTime? TryNext(DateTime after)
    {
        var time = new DateTime(after.Ticks - (after.Ticks % TimeSpan.TicksPerSecond), DateTimeKind.Utc).AddSeconds(1);
        var last = time.AddYears(SearchYears);
        while (time < last)
        {
            if (!Has(_months, time.Month))
            {
                time = new DateTime(time.Year, time.Month, 1, 0, 0, 0, DateTimeKind.Utc).AddMonths(1);
            }
            else if (!Has(_days, time.Day) || !Has(_weekdays, (int)time.DayOfWeek))
            {
                time = time.Date.AddDays(1);
            }
            else if (!Has(_hours, time.Hour))
            {
                time = time.Date.AddHours(time.Hour + 1);
            }
            else if (!Has(_minutes, time.Minute))
            {
                time = time.AddSeconds(60 - time.Second);
            }
            else if (!Has(_seconds, time.Second))
            {
                time = time.AddSeconds(1);
            }
            else
            {
                return time;
            }
        }

        return null;
    }

    private static bool Has(ulong values, int value) => (values & (1UL << value)) != 0;

    private static ulong Field(string text, int least, int most, string[]? names)
    {
        var values = 0UL;
        foreach (var part in text.Split(','))
        {
            var (range, step) = part.Split('/') switch
            {
                [var all] => (all, 1),
                [var all, var every] when Number(every, null) is > 0 and var number => (all, number),
                _ => throw Wrong(),
            };
            var (from, to) = range.Split('-') switch
            {
                ["*"] => (least, most),
                [var one] => (Value(one), range == part ? Value(one) : most),
                [var first, var final] => (Value(first), Value(final)),
                _ => throw Wrong(),
            };
            if (from > to)
            {
                throw Wrong();
            }

            for (var value = from; value <= to; value += step)
            {
                values |= 1UL << value;
            }
        }

        return values;

        int Value(string word) => Number(word, names) is { } number && number >= least && number <= most ? number : throw Wrong();

        int? Number(string word, string[]? words)
        {
            var index = words is null ? -1 : Array.FindIndex(words, name => name.Equals(word, StringComparison.OrdinalIgnoreCase));
            return index >= 0 ? index + least
                : int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        }

        FormatException Wrong() => new($"'{text}' is not a list of values, ranges and steps from {least} to {most}.");
    }
}
