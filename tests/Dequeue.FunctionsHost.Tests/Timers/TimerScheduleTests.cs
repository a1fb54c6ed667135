using System.Globalization;
using CsCheck;
using Dequeue.FunctionsHost.Timers;

namespace Dequeue.FunctionsHost.Tests.Timers;

public sealed class TimerScheduleTests
{
    private static readonly DateTime Start = new(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    [Theory]
    [InlineData("* * * * * *", "2030-01-02T12:00:00", "2030-01-02T12:00:01")]
    [InlineData("0 */5 * * * *", "2030-01-02T12:00:00", "2030-01-02T12:05:00")]
    [InlineData("*/15 * * * *", "2030-01-02T12:00:01", "2030-01-02T12:15:00")]
    [InlineData("0 30 9 * * MON-FRI", "2030-01-04T09:30:00", "2030-01-07T09:30:00")]
    [InlineData("0 0 8-18/2 * * *", "2030-01-02T18:00:00", "2030-01-03T08:00:00")]
    [InlineData("5,10 0 0 1 jan,JUL *", "2030-01-01T00:00:10", "2030-07-01T00:00:05")]
    [InlineData("0 0 0 29 2 *", "2030-01-01T00:00:00", "2032-02-29T00:00:00")]
    [InlineData("0 0 0 13 * 5", "2030-01-01T00:00:00", "2030-09-13T00:00:00")]
    [InlineData("59 59 23 31 12 *", "2030-12-31T23:59:59", "2031-12-31T23:59:59")]
    [InlineData("0 10/20 * * * *", "2030-01-02T12:10:00", "2030-01-02T12:30:00")]
    [InlineData("01:30:00", "2030-01-02T12:10:00", "2030-01-02T13:40:00")]
    public void The_next_time_is_the_first_that_matches(string schedule, string after, string next)
    {
        var found = Parse(schedule).Next(Time(after));
        Assert.Equal((Time(next), DateTimeKind.Utc), (found, found.Kind));

        static DateTime Time(string text) => DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("* * * *")]
    [InlineData("* * * * * * *")]
    [InlineData("60 * * * * *")]
    [InlineData("* * 24 * * *")]
    [InlineData("* * * 0 * *")]
    [InlineData("* * * * 13 *")]
    [InlineData("1-2-3 * * * * *")]
    [InlineData("a * * * * *")]
    [InlineData("every hour")]
    [InlineData("-01:00:00")]
    public void What_is_no_schedule_is_refused_in_a_sentence_that_names_the_function(string text)
    {
        var refused = Assert.Throws<FunctionsHostException>(() => Parse(text));
        Assert.StartsWith($"Function 'Sweep': its schedule '{text}' is not valid: ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_schedule_that_never_comes_up_is_refused()
        => Assert.Equal("Function 'Sweep': its schedule '0 0 0 30 2 *' never comes up.", Assert.Throws<FunctionsHostException>(() => Parse("0 0 0 30 2 *")).Message);

    [Fact]
    public void A_schedule_may_be_held_by_a_setting()
    {
        Assert.Equal("0 0 * * * *", Parse("%When%", name => name == "When" ? "0 0 * * * *" : null).Text);
        Assert.Equal(
            "Function 'Sweep': the setting When that holds its schedule is missing.",
            Assert.Throws<FunctionsHostException>(() => Parse("%When%")).Message);
    }

    [Theory]
    [InlineData("* * * * *", true)]
    [InlineData("59 * * * * *", true)]
    [InlineData("*/30 * * * * *", false)]
    [InlineData("00:00:59", false)]
    public void Only_what_comes_up_once_a_minute_at_most_is_kept(string schedule, bool isKept) => Assert.Equal(isKept, Parse(schedule).CanBeMonitored(Start));

    [Fact]
    public void A_time_matches_and_none_before_it_does() => Gen
        .Select(Gen.Int[0, 59], Gen.Int[0, 23], Gen.Int[1, 28], Gen.Int[0, 6], Gen.DateTime[new DateTime(2020, 1, 1), new DateTime(2040, 1, 1)])
        .Sample(
            static (minute, hour, day, weekday, start) =>
            {
                var after = DateTime.SpecifyKind(start, DateTimeKind.Utc);
                var next = Parse($"0 {minute} {hour} {day} * {weekday}").Next(after);
                var expected = Enumerable.Range(0, 366 * 12)
                    .Select(offset => after.Date.AddDays(offset).AddHours(hour).AddMinutes(minute))
                    .First(time => time > after && time.Day == day && (int)time.DayOfWeek == weekday);
                return next == expected;
            },
            iter: 200);

    private static TimerSchedule Parse(string text, Func<string, string?>? setting = null) => TimerSchedule.Parse("Sweep", text, setting ?? (_ => null), Start);
}
