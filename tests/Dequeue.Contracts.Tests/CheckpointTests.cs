using System.Text;
using System.Text.Json;
using CsCheck;

namespace Dequeue.Contracts.Tests;

public sealed class CheckpointTests
{
    private static readonly Gen<Checkpoint> AnyCheckpoint = Gen.Long[0, DateTime.MaxValue.Ticks].Select(Checkpoint.FromTicks);

    [Theory]
    [InlineData("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.0000000Z")]
    [InlineData("2026-11-22T08:15:30.1234567Z", "2026-11-22T08:15:30.1234567Z")]
    [InlineData("2026-11-22t08:15:30.5z", "2026-11-22T08:15:30.5000000Z")]
    [InlineData("2026-11-22T08:15:30.12345678999Z", "2026-11-22T08:15:30.1234567Z")]
    [InlineData("2026-11-22T08:15:30.000000099Z", "2026-11-22T08:15:30.0000000Z")]
    [InlineData("2026-11-22T10:15:30+02:00", "2026-11-22T08:15:30.0000000Z")]
    [InlineData("2026-11-22T00:15:30-08:30", "2026-11-22T08:45:30.0000000Z")]
    [InlineData("2026-11-22T08:15:30-00:00", "2026-11-22T08:15:30.0000000Z")]
    [InlineData("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.0000000Z")]
    [InlineData("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.0000000Z")]
    [InlineData("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.0000000Z")]
    [InlineData("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z")]
    public void Any_rfc_3339_time_is_read_and_written_in_utc(string text, string written)
    {
        Assert.True(Checkpoint.TryParse(text, out var checkpoint));
        Assert.True(Checkpoint.TryParse(Encoding.UTF8.GetBytes(text), out var fromUtf8));
        Assert.Equal(written, checkpoint.ToString());
        Assert.Equal(checkpoint, fromUtf8);
    }

    [Theory]
    [InlineData("")]
    [InlineData("yesterday")]
    [InlineData("1970-01-01")]
    [InlineData("1970-01-01T00:00:00")]
    [InlineData("1970-01-01 00:00:00Z")]
    [InlineData("1970-01-01T00:00Z")]
    [InlineData("1970-01-01T00:00:00.Z")]
    [InlineData("1970-01-01T00:00:00,5Z")]
    [InlineData("1970-01-01T00:00:00+0200")]
    [InlineData("1970-01-01T00:00:00+02")]
    [InlineData("1970-01-01T00:00:00+24:00")]
    [InlineData("1970-01-01T00:00:00+02:60")]
    [InlineData("1970-01-01T24:00:00Z")]
    [InlineData("1970-01-01T00:60:00Z")]
    [InlineData("1970-01-01T00:00:61Z")]
    [InlineData("1970-13-01T00:00:00Z")]
    [InlineData("1970-00-01T00:00:00Z")]
    [InlineData("2025-02-29T00:00:00Z")]
    [InlineData("2025-02-00T00:00:00Z")]
    [InlineData("0000-01-01T00:00:00Z")]
    [InlineData("0001-01-01T00:00:00+00:01")]
    [InlineData("9999-12-31T23:59:60Z")]
    [InlineData("1970-01-01T00:00:00ZZ")]
    [InlineData(" 1970-01-01T00:00:00Z")]
    [InlineData("1970-01-01T00:00:00Z ")]
    [InlineData("١٩٧٠-01-01T00:00:00Z")]
    [InlineData("1970-01-01T00:00:00.0000000000000000000000000000000000000000000000Z")]
    public void Anything_else_is_refused(string text)
    {
        Assert.False(Checkpoint.TryParse(text, out _));
        Assert.False(Checkpoint.TryParse(Encoding.UTF8.GetBytes(text), out _));
    }

    [Fact]
    public void What_is_written_is_read_back()
        => AnyCheckpoint.Sample(static checkpoint =>
        {
            Span<byte> utf8 = stackalloc byte[Checkpoint.TextLength];
            var text = checkpoint.ToString();
            return checkpoint.Format(utf8) == Checkpoint.TextLength
                && Encoding.UTF8.GetString(utf8) == text
                && Checkpoint.TryParse(text, out var read)
                && read == checkpoint;
        });

    [Fact]
    public void Text_order_is_time_order()
        => Gen.Select(AnyCheckpoint, AnyCheckpoint).Sample(static (left, right) =>
            Math.Sign(string.CompareOrdinal(left.ToString(), right.ToString())) == left.CompareTo(right)
            && left < right == left.Ticks < right.Ticks && left >= right == left.Ticks >= right.Ticks);

    [Fact]
    public void An_offset_moves_the_clock_and_not_the_position()
        => Gen.Select(Gen.Long[TimeSpan.TicksPerDay, DateTime.MaxValue.Ticks - TimeSpan.TicksPerDay], Gen.Int[-14 * 60, 14 * 60]).Sample(static (ticks, minutes) =>
        {
            var text = new DateTimeOffset(ticks, TimeSpan.Zero).ToOffset(TimeSpan.FromMinutes(minutes)).ToString("yyyy-MM-ddTHH:mm:ss.fffffffzzz");
            return Checkpoint.TryParse(text, out var read) && read.Ticks == ticks;
        });

    [Fact]
    public void No_text_makes_it_throw()
        => Gen.String[Gen.Char["0123456789-:TZtz+. é\0"], 0, 70].Sample(static text =>
        {
            if (Checkpoint.TryParse(text, out var read)) Assert.True(Checkpoint.TryParse(read.ToString(), out _));
            Assert.True(Checkpoint.TryParse(Encoding.UTF8.GetBytes(text), out var same) == Checkpoint.TryParse(text, out read) && same == read);
        });

    [Fact]
    public void In_json_it_is_a_string()
    {
        var checkpoint = Checkpoint.FromTicks(Checkpoint.Beginning.Ticks + 1);
        Assert.Equal("\"1970-01-01T00:00:00.0000001Z\"", JsonSerializer.Serialize(checkpoint));
        Assert.Equal(checkpoint, JsonSerializer.Deserialize<Checkpoint>("\"1970-01-01T00:00:00.0000001Z\""));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<Checkpoint>("1"));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<Checkpoint>("\"now\""));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<Checkpoint>("\"\\ud800\""));
    }

    [Theory]
    [InlineData(9_999, 0)]
    [InlineData(10_000, 1)]
    [InlineData(-1, -1)]
    public void Milliseconds_are_rounded_down(long ticksAfterEpoch, long milliseconds)
        => Assert.Equal(milliseconds, Checkpoint.FromTicks(Checkpoint.Beginning.Ticks + ticksAfterEpoch).UnixMilliseconds);

    [Fact]
    public void Ticks_outside_the_calendar_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Checkpoint.FromTicks(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Checkpoint.FromTicks(DateTime.MaxValue.Ticks + 1));
    }
}
