using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dequeue.Contracts;

/// <summary>
/// A position in one event log: the commit time of an event in 100-ns ticks of UTC since 0001-01-01. A reader that holds
/// checkpoint C has every event committed at or before C. On the wire an RFC 3339 string; clients treat it as opaque.
/// </summary>
[JsonConverter(typeof(CheckpointJsonConverter))]
public readonly record struct Checkpoint : IComparable<Checkpoint>
{
    /// <summary>What a first sync asks for: 1970-01-01T00:00:00Z, before every event.</summary>
    public static readonly Checkpoint Beginning = new(DateTime.UnixEpoch.Ticks);

    /// <summary>Characters of the written form, always seven fraction digits, so that text order is time order.</summary>
    public const int TextLength = 28;

    /// <summary>Longest text that is read: date, time, a fraction of any sensible precision, offset.</summary>
    private const int MaxTextLength = 64;

    private Checkpoint(long ticks) => Ticks = ticks;

    /// <summary>100-ns ticks of UTC since 0001-01-01T00:00:00.</summary>
    public long Ticks { get; }

    /// <summary>Milliseconds since the Unix epoch, rounded down.</summary>
    public long UnixMilliseconds => new DateTimeOffset(Ticks, TimeSpan.Zero).ToUnixTimeMilliseconds();

    /// <summary>The checkpoint at a commit tick.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The tick is no representable UTC time.</exception>
    public static Checkpoint FromTicks(long ticks)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ticks);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ticks, DateTime.MaxValue.Ticks);
        return new Checkpoint(ticks);
    }

    /// <summary>
    /// Reads any RFC 3339 date-time: either case of T and Z, any offset, any number of fraction digits. What is finer than
    /// 100 ns is cut off, never rounded up, so that no event is skipped. A leap second (:60) is the start of the next minute.
    /// </summary>
    /// <returns>False when the text is not RFC 3339 or lies outside the years 1 to 9999.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out Checkpoint checkpoint)
    {
        checkpoint = default;
        if (text.Length is < 20 or > MaxTextLength) return false;
        if (!Digits(text, 0, 4, out var year) || text[4] != '-' || !Digits(text, 5, 2, out var month) || text[7] != '-'
            || !Digits(text, 8, 2, out var day) || text[10] is not ('T' or 't') || !Digits(text, 11, 2, out var hour)
            || text[13] != ':' || !Digits(text, 14, 2, out var minute) || text[16] != ':' || !Digits(text, 17, 2, out var second))
        {
            return false;
        }

        if (year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)
            || hour > 23 || minute > 59 || second > 60)
        {
            return false;
        }

        var at = 19;
        long fraction = 0;
        if (text[at] == '.')
        {
            var digits = 0;
            for (at++; at < text.Length && char.IsAsciiDigit(text[at]); at++, digits++)
            {
                if (digits < 7) fraction = fraction * 10 + (text[at] - '0');
            }

            if (digits == 0) return false;
            for (; digits < 7; digits++) fraction *= 10;
        }

        if (!Offset(text[at..], out var offsetMinutes)) return false;
        var ticks = new DateTime(year, month, day, hour, minute, 0, DateTimeKind.Utc).Ticks
            + second * TimeSpan.TicksPerSecond + fraction - offsetMinutes * TimeSpan.TicksPerMinute;
        if (ticks < 0 || ticks > DateTime.MaxValue.Ticks) return false;
        checkpoint = new Checkpoint(ticks);
        return true;
    }

    /// <summary>The same, from UTF-8.</summary>
    public static bool TryParse(ReadOnlySpan<byte> utf8, out Checkpoint checkpoint)
    {
        checkpoint = default;
        if (utf8.Length > MaxTextLength) return false;
        Span<char> text = stackalloc char[utf8.Length];
        for (var i = 0; i < utf8.Length; i++) text[i] = (char)utf8[i];
        return TryParse(text, out checkpoint);
    }

    /// <summary>The RFC 3339 form in UTC with seven fraction digits, <c>2026-11-22T08:15:30.1234567Z</c>.</summary>
    public override string ToString()
        => new DateTime(Ticks, DateTimeKind.Utc).ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture);

    /// <summary>Writes <see cref="ToString"/> as UTF-8 without allocating.</summary>
    /// <returns>The bytes written: <see cref="TextLength"/>.</returns>
    public int Format(Span<byte> utf8)
    {
        Utf8Formatter.TryFormat(new DateTime(Ticks, DateTimeKind.Utc), utf8, out var written, new System.Buffers.StandardFormat('O'));
        return written;
    }

    /// <inheritdoc/>
    public int CompareTo(Checkpoint other) => Ticks.CompareTo(other.Ticks);

    /// <summary>True when the left position lies before the right one.</summary>
    public static bool operator <(Checkpoint left, Checkpoint right) => left.Ticks < right.Ticks;

    /// <summary>True when the left position lies after the right one.</summary>
    public static bool operator >(Checkpoint left, Checkpoint right) => left.Ticks > right.Ticks;

    /// <summary>True when the left position does not lie after the right one.</summary>
    public static bool operator <=(Checkpoint left, Checkpoint right) => left.Ticks <= right.Ticks;

    /// <summary>True when the left position does not lie before the right one.</summary>
    public static bool operator >=(Checkpoint left, Checkpoint right) => left.Ticks >= right.Ticks;

    private static bool Digits(ReadOnlySpan<char> text, int at, int count, out int value)
    {
        value = 0;
        foreach (var c in text.Slice(at, count))
        {
            if (!char.IsAsciiDigit(c)) return false;
            value = value * 10 + (c - '0');
        }

        return true;
    }

    private static bool Offset(ReadOnlySpan<char> text, out int minutes)
    {
        minutes = 0;
        if (text is "Z" or "z") return true;
        if (text.Length != 6 || text[0] is not ('+' or '-') || text[3] != ':') return false;
        if (!Digits(text, 1, 2, out var hours) || !Digits(text, 4, 2, out minutes) || hours > 23 || minutes > 59) return false;
        minutes += hours * 60;
        if (text[0] == '-') minutes = -minutes;
        return true;
    }
}

/// <summary>A checkpoint as a JSON string.</summary>
public sealed class CheckpointJsonConverter : JsonConverter<Checkpoint>
{
    /// <inheritdoc/>
    public override Checkpoint Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        => reader.TokenType == JsonTokenType.String && Checkpoint.TryParse(reader.GetString(), out var checkpoint)
            ? checkpoint
            : throw new JsonException("A checkpoint is an RFC 3339 date-time.");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Checkpoint value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        Span<byte> utf8 = stackalloc byte[Checkpoint.TextLength];
        writer.WriteStringValue(utf8[..value.Format(utf8)]);
    }
}
