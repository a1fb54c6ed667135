using System.Globalization;
using System.Text;
using Dequeue.Cli.Links;
using Dequeue.Client;

namespace Dequeue.Cli.Bench;

/// <summary>B2: what the round trips of a page protocol cost on a real link.</summary>
internal static class RoundTripBench
{
    private const int Events = 10_000;
    private static readonly TimeSpan RoundTrip = TimeSpan.FromMilliseconds(50);

    public static async Task<string> RunAsync(int runs, CancellationToken cancellationToken)
    {
        await using var backend = await BenchBackend.StartAsync(cancellationToken);
        await using var link = new SlowLink(backend.Address, RoundTrip);
        var tokens = await backend.PushAsync("b2", Events, cancellationToken);
        var far = new SyncOptions { Server = link.Address };
        (string Way, SyncOptions Options, Samples Times)[] ways =
        [
            ("stream, gzip (the client's default)", far with { Stream = StreamEndpoint.Gateway }, new Samples()),
            ("stream, plain JSON (the shipped app)", far with { Stream = StreamEndpoint.Gateway, Encodings = [] }, new Samples()),
            ("REST, pages of 1,000", far with { Stream = StreamEndpoint.None, PageSize = 1000 }, new Samples()),
            ("REST, pages of 100", far with { Stream = StreamEndpoint.None, PageSize = 100 }, new Samples()),
        ];
        for (var run = -1; run < runs; run++)
        {
            foreach (var (_, options, times) in ways)
            {
                var elapsed = await BenchBackend.SyncAsync(options, tokens, Events, cancellationToken);
                if (run >= 0) times.Add(elapsed);
            }
        }

        var report = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"# B2: stream against REST pages, {Events:N0} events, {RoundTrip.TotalMilliseconds:0} ms round trip\n\n"))
            .AppendLine("A new device through a proxy that delays every byte by half the round trip in each direction; opening a connection costs one round trip.")
            .AppendLine("REST keeps its connection alive and takes gzip; the streams go through the gateway. Median (min … max).\n")
            .AppendLine("| way | time | gzip stream is faster by | plain stream is faster by |").AppendLine("|---|---:|---:|---:|");
        foreach (var (way, _, times) in ways)
            report.AppendLine(CultureInfo.InvariantCulture, $"| {way} | {times} | {times.Median / ways[0].Times.Median:0.0} × | {times.Median / ways[1].Times.Median:0.0} × |");
        return report.ToString();
    }
}
