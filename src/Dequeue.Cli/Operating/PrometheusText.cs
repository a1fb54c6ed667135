using System.Globalization;

namespace Dequeue.Cli.Operating;

/// <summary>Reads and writes the text format of Prometheus, as far as a few numbers need it.</summary>
internal static class PrometheusText
{
    /// <summary>The media type of what <see cref="Gauge"/> writes.</summary>
    public const string MediaType = "text/plain";

    /// <summary>The sum of a metric's samples, of those whose labels hold a text.</summary>
    /// <param name="text">The metrics.</param>
    /// <param name="name">The metric.</param>
    /// <param name="label">Such as <c>code="left"</c>; null for all.</param>
    public static double Sum(string text, string name, string? label = null)
    {
        var sum = 0.0;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (!line.StartsWith(name, StringComparison.Ordinal) || line.Length == name.Length || line[name.Length] is not ('{' or ' ')) continue;
            var end = line.LastIndexOf('}');
            var labels = end < 0 ? default : line[name.Length..(end + 1)];
            if (label is not null && !labels.Contains(label, StringComparison.Ordinal)) continue;

            // A time may follow the value.
            var value = line[(end < 0 ? name.Length : end + 1)..].Trim();
            if (value.IndexOf(' ') is > 0 and var space) value = value[..space];
            if (double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)) sum += number;
        }

        return sum;
    }

    /// <summary>A gauge.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="help">What it says.</param>
    /// <param name="samples">Labels, with their braces, or nothing; and the value.</param>
    public static string Gauge(string name, string help, params IEnumerable<(string Labels, long Value)> samples)
        => string.Create(CultureInfo.InvariantCulture, $"# TYPE {name} gauge\n# HELP {name} {help}\n")
            + string.Concat(samples.Select(sample => string.Create(CultureInfo.InvariantCulture, $"{name}{sample.Labels} {sample.Value}\n")));
}
