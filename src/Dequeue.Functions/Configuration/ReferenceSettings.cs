using System.Globalization;

namespace Dequeue.Functions.Configuration;

/// <summary>Whether and when pages of a large history are offered as URLs.</summary>
/// <param name="Storage"><c>References__Storage</c>: where they are put; null for nowhere, then everything is sent.</param>
/// <param name="FromBytes"><c>References__FromMegabytes</c>, default 20: from how many bytes of JSON on; 0 for any.</param>
/// <param name="UrlLife"><c>References__UrlMinutes</c>, default 15: how long a URL works.</param>
public sealed record ReferenceSettings(string? Storage, long FromBytes, TimeSpan UrlLife)
{
    private const decimal BytesOfMegabyte = 1_000_000;
    private const decimal DefaultMegabytes = 20, MostMegabytes = 1_000_000;

    /// <summary>A slow phone fetches what one batch refers to in less; a leaked URL is soon worth nothing.</summary>
    private const int DefaultMinutes = 15, MostMinutes = 60;

    internal static ReferenceSettings Read(IConfiguration configuration)
    {
        var storage = configuration["References:Storage"] is { Length: > 0 } setting ? setting : null;
        return new ReferenceSettings(
            storage,
            (long)(BytesOfMegabyte * Number(configuration, "References:FromMegabytes", DefaultMegabytes, 0, MostMegabytes)),
            TimeSpan.FromMinutes((double)Number(configuration, "References:UrlMinutes", DefaultMinutes, 1, MostMinutes)));
    }

    private static decimal Number(IConfiguration configuration, string key, decimal fallback, decimal least, decimal most)
        => configuration[key] is not { Length: > 0 } text ? fallback
            : decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number
            : throw new SettingsException(
                string.Create(CultureInfo.InvariantCulture, $"{key.Replace(":", "__", StringComparison.Ordinal)} is a number from {least} to {most}."));

    /// <inheritdoc/>
    public override string ToString() => Storage is null ? "off" : "on";
}
