using System.Globalization;
using System.Text;
using Dequeue.Client;
using Dequeue.Sync.Streaming;

namespace Dequeue.Bench;

/// <summary>
/// B11: what the durable way costs over the direct one. A history of one window is sent by the event handler itself; one that is a
/// little longer is an orchestration, whose windows are durable steps: stored, handed to the worker, replayed.
/// </summary>
internal static class StepBench
{
    private const int Window = StreamLimits.WindowBatches * StreamLimits.MaxBatchEvents;

    /// <summary>The histories: one window sent directly, then so many windows as durable steps.</summary>
    private static readonly int[] Lengths = [Window, Window + 1, (2 * Window) + 1, 4 * Window];

    public static async Task<string> RunAsync(int runs, CancellationToken cancellationToken)
    {
        await using var backend = await BenchBackend.StartAsync(cancellationToken);
        var options = new SyncOptions { Server = backend.Address };
        var times = new Dictionary<int, Samples>();
        var tokens = new Dictionary<int, TokenProvider>();
        foreach (var events in Lengths)
        {
            tokens[events] = await backend.PushAsync($"b11-{events}", events, cancellationToken);
            times[events] = new Samples();
        }

        for (var run = -2; run < runs; run++)
        {
            foreach (var events in Lengths)
            {
                var elapsed = await BenchBackend.SyncAsync(options, tokens[events], events, cancellationToken);
                if (run >= 0) times[events].Add(elapsed);
            }
        }

        var report = new StringBuilder("# B11: the durable way over the direct one\n\n")
            .AppendLine(CultureInfo.InvariantCulture, $"A whole sync on loopback. Up to {Window:N0} events the event handler sends by itself; more are an orchestration, whose steps (windows")
            .AppendLine("and the completion) are stored, handed to the worker over gRPC and replayed there. In turn; median (min … max).\n")
            .AppendLine("| events | sent by | time |").AppendLine("|---:|---|---:|");
        foreach (var (events, samples) in times)
            report.AppendLine(CultureInfo.InvariantCulture, $"| {events:N0} | {(events <= Window ? "the handler" : $"{(events + Window - 1) / Window} windows and the completion, durable")} | {samples} |");
        report.AppendLine(CultureInfo.InvariantCulture, $"\nOne event more, and all of it durable: {times[Window + 1].Median - times[Window].Median:0} ms more.");
        return report.ToString();
    }
}
