using System.Globalization;
using System.Text;
using Dequeue.Client;

namespace Dequeue.Bench;

/// <summary>B1: how far from the bare socket is a whole sync (negotiate, connect, plan, read, send, parse, store)?</summary>
internal static class InitialSyncBench
{
    private static readonly int[] Lengths = [1_000, 10_000, 50_000];

    public static async Task<string> RunAsync(int runs, CancellationToken cancellationToken)
    {
        var report = new StringBuilder("# B1: initial sync by stream, against a bare socket\n\n")
            .AppendLine("Floor: the same events as 1,000-event frames from a bare Kestrel WebSocket, each parsed with JsonDocument. Stream: a new device, from its")
            .AppendLine("first packet (negotiate) to the last event in its in-memory store. Server and client in separate processes, both sides in turn; median (min … max).\n")
            .AppendLine("| events | floor | stream, plain JSON | ratio | stream, gzip (the client's default) | ratio |").AppendLine("|---:|---:|---:|---:|---:|---:|");
        await using var backend = await BenchBackend.StartAsync(cancellationToken);
        foreach (var events in Lengths)
        {
            await using var floorServer = await ServerProcess.StartOwnAsync(
                ["floor-server", "--events", events.ToString(CultureInfo.InvariantCulture)], cancellationToken);
            var tokens = await backend.PushAsync($"b1-{events}", events, cancellationToken);
            var options = new SyncOptions { Server = backend.Address };
            var (floor, plain, gzip) = (new Samples(), new Samples(), new Samples());
            for (var run = -2; run < runs; run++)
            {
                var bare = await BareSocket.ReceiveAsync(floorServer.Address, events, cancellationToken);
                var asked = await BenchBackend.SyncAsync(options with { Encodings = [] }, tokens, events, cancellationToken);
                var compressed = await BenchBackend.SyncAsync(options, tokens, events, cancellationToken);
                if (run < 0) continue; // all warm up alike
                floor.Add(bare);
                plain.Add(asked);
                gzip.Add(compressed);
            }

            report.AppendLine(CultureInfo.InvariantCulture, $"| {events:N0} | {floor} | {plain} | {plain.Median / floor.Median:0.00} × | {gzip} | {gzip.Median / floor.Median:0.00} × |");
        }

        return report.ToString();
    }
}
