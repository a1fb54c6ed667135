using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using Dequeue.Cli.Links;
using Dequeue.Client;

namespace Dequeue.Bench;

/// <summary>B2: what the round trips of a page protocol cost on a real link, and what its bandwidth does.</summary>
internal static class RoundTripBench
{
    private const int Events = 10_000;
    private static readonly TimeSpan RoundTrip = TimeSpan.FromMilliseconds(50);

    /// <summary>Links, and as many events as plain JSON takes some seconds for.</summary>
    private static readonly (double Megabits, int Events)[] Links = [(1, 1_000), (8, 5_000), (25, 10_000), (100, 20_000)];

    public static async Task<string> RunAsync(int runs, CancellationToken cancellationToken)
    {
        await using var backend = await BenchBackend.StartAsync(cancellationToken);
        var report = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"# B2: stream against REST pages, {RoundTrip.TotalMilliseconds:0} ms round trip\n\n"))
            .AppendLine("A new device through a proxy that delays every byte by half the round trip in each direction; opening a connection costs one round trip.")
            .AppendLine("REST keeps its connection alive and takes gzip; the streams go through the gateway. Median (min … max).\n");

        report.AppendLine(CultureInfo.InvariantCulture, $"## As much as loopback carries, {Events:N0} events\n")
            .AppendLine("| way | time | gzip stream is faster by | plain stream is faster by |").AppendLine("|---|---:|---:|---:|");
        var free = await MeasureAsync(backend, null, Events, runs, cancellationToken);
        foreach (var (way, times, _) in free)
            report.AppendLine(CultureInfo.InvariantCulture, $"| {way} | {times} | {times.Median / free[0].Times.Median:0.0} × | {times.Median / free[1].Times.Median:0.0} × |");

        report.AppendLine("\n## On links of limited bandwidth\n").Append("| way |");
        foreach (var (megabits, events) in Links) report.Append(CultureInfo.InvariantCulture, $" {megabits:0} Mbit/s, {events:N0} events |");
        report.Append("\n|---|").Insert(report.Length, "---:|", Links.Length).AppendLine();
        var columns = new List<(string Way, Samples Times, double Megabytes)[]>();
        foreach (var (megabits, events) in Links) columns.Add(await MeasureAsync(backend, megabits, events, Math.Min(runs, 3), cancellationToken));
        for (var way = 0; way < columns[0].Length; way++)
        {
            report.Append(CultureInfo.InvariantCulture, $"| {columns[0][way].Way} |");
            foreach (var column in columns)
                report.Append(CultureInfo.InvariantCulture, $" {column[way].Times.Median / 1000:0.00} s, {column[way].Megabytes:0.00} MB, {column[way].Times.Median / column[0].Times.Median:0.0} × |");
            report.AppendLine();
        }

        return report.AppendLine("\nMedian, bytes from the server on the wire, and the time against that of the gzip stream.").ToString();
    }

    private static async Task<(string Way, Samples Times, double Megabytes)[]> MeasureAsync(
        BenchBackend backend, double? megabits, int events, int runs, CancellationToken cancellationToken)
    {
        await using var link = new SlowLink(backend.Address, RoundTrip, megabits);
        var tokens = await backend.PushAsync(string.Create(CultureInfo.InvariantCulture, $"b2-{megabits ?? 0:0}"), events, cancellationToken);
        var far = new SyncOptions { Server = link.Address };
        var plain = far with { Stream = StreamEndpoint.Gateway, Encodings = [], Window = 0 };
        (string Way, SyncOptions Options)[] ways =
        [
            ("stream, gzip (the client's default)", far with { Stream = StreamEndpoint.Gateway }),
            ("stream, plain JSON (the shipped app)", plain),
            ("stream, plain JSON with permessage-deflate", plain with { ConfigureWebSocket = socket => socket.DangerousDeflateOptions = new WebSocketDeflateOptions() }),
            ("REST, pages of 1,000", far with { Stream = StreamEndpoint.None, PageSize = 1000 }),
            ("REST, pages of 100", far with { Stream = StreamEndpoint.None, PageSize = 100 }),
        ];
        var results = ways.Select(way => (way.Way, Times: new Samples(), Megabytes: 0.0)).ToArray();
        for (var run = -1; run < runs; run++)
        {
            for (var i = 0; i < ways.Length; i++)
            {
                var before = link.BytesBack;
                var elapsed = await BenchBackend.SyncAsync(ways[i].Options, tokens, events, cancellationToken);
                if (run < 0 && runs > 0) continue;
                results[i].Times.Add(elapsed);
                results[i].Megabytes = (link.BytesBack - before) / 1e6;
            }
        }

        return results;
    }
}
