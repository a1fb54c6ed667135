using System.Globalization;

namespace Dequeue.Client;

/// <summary>How many of something, in a sentence: "1 event", "2,500 events".</summary>
internal static class Counted
{
    /// <summary>Digits alone, for what scripts read.</summary>
    public const string Digits = "0";

    /// <summary>The number and its noun, in the plural unless there is one.</summary>
    /// <param name="count">How many.</param>
    /// <param name="noun">In the singular; its plural ends in an s.</param>
    /// <param name="format">Of the number.</param>
    public static string Of(long count, string noun, string format = "N0")
        => $"{count.ToString(format, CultureInfo.InvariantCulture)} {noun}{(count == 1 ? "" : "s")}";
}
