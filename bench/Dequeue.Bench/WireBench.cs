using System.Globalization;
using System.Text;
using Dequeue.Client;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Bench;

/// <summary>B7: what each form of a stream saves on the wire, and what it costs the server.</summary>
internal static class WireBench
{
    private const int Events = 10_000;

    /// <summary>Syncs between two readings of the server's CPU time, which counts in steps of 10 ms.</summary>
    private const int SyncsPerReading = 10;

    private static readonly bool[] Deltas = [false, true];
    private static readonly string?[] Encodings = [null, BatchEncodings.Gzip, BatchEncodings.Brotli, BatchEncodings.Zstandard];

    public static async Task<string> RunAsync(int runs, CancellationToken cancellationToken)
    {
        await using var backend = await BenchBackend.StartAsync(cancellationToken);
        var tokens = await backend.PushAsync("b7", Events, cancellationToken);
        var forms = (from delta in Deltas from encoding in Encodings select new Form(encoding, delta)).ToList();
        for (var run = -1; run < runs; run++)
        {
            foreach (var form in forms)
            {
                var options = new SyncOptions { Server = backend.Address, Encodings = form.Encoding is null ? [] : [form.Encoding], Delta = form.Delta };
                var before = backend.ServerCpu;
                for (var sync = 0; sync < SyncsPerReading; sync++)
                {
                    using var device = new SyncManager(options, new InMemoryEventStore(), tokens);
                    var result = await device.PullAsync(null, cancellationToken);
                    if (result is not { Added: Events, Transport: SyncTransport.Stream, DigestVerified: true }) throw new InvalidOperationException($"{form.Name}: {result}");
                    form.Bytes = result.Bytes;
                }

                // The first round warms the server up.
                if (run >= 0) form.Cpu.Add((backend.ServerCpu - before).TotalMilliseconds / SyncsPerReading);
            }
        }

        var plain = forms[0].Bytes;
        var report = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"# B7: bytes on the wire, {Events:N0} events\n\n"))
            .AppendLine("A new device gets its whole history over the real backend; the digest of the events is verified each time. Bytes are all messages of the stream, as they")
            .AppendLine(CultureInfo.InvariantCulture, $"came. CPU is what the whole server process used for a stream (negotiation, Web PubSub and storage included), over {SyncsPerReading} streams; median (min … max).\n")
            .AppendLine("| form | bytes | an event | smaller by | server CPU a stream |").AppendLine("|---|---:|---:|---:|---:|");
        foreach (var form in forms)
            report.AppendLine(CultureInfo.InvariantCulture, $"| {form.Name} | {form.Bytes:N0} | {(double)form.Bytes / Events:0.0} | {(double)plain / form.Bytes:0.00} × | {form.Cpu} |");
        return report.ToString();
    }

    private sealed record Form(string? Encoding, bool Delta)
    {
        public Samples Cpu { get; } = new();

        public long Bytes { get; set; }

        public string Name => (Encoding, Delta) switch
        {
            (null, false) => "plain JSON",
            (null, true) => "delta",
            (_, false) => Encoding,
            _ => $"delta, {Encoding}",
        };
    }
}
