using System.Globalization;
using System.Text;
using Dequeue.SampleEvents;
using Dequeue.Cli.Links;
using Dequeue.Client;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Bench;

/// <summary>B12: a first sync of what still matters, against the whole history, and against a history of as many events as come.</summary>
internal static class CompactBench
{
    private const int PushedEvents = 100_000, PushedTasks = 20_000, PushEvents = 1000;

    private static readonly TimeSpan RoundTrip = TimeSpan.FromMilliseconds(50);

    /// <param name="histories">Events and lasting tasks of each history.</param>
    /// <param name="runs">Repetitions of each side, in turn.</param>
    /// <param name="other">A build that keeps no runs, which pushes in turn; null for none.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<string> RunAsync(
        IReadOnlyList<(int Events, int Tasks)> histories, int runs, FileInfo? other, CancellationToken cancellationToken)
    {
        var report = new StringBuilder("# B12: the first sync follows the state, not the history\n\n")
            .AppendLine("A new device's first sync, gzip: of the whole history, of what still matters (`compact`), and of another user's")
            .AppendLine("history that has as many events as come (the same tasks, just created). Tasks are created, then changed at random,")
            .AppendLine("so that the state stays and the history grows. Server and client in separate processes, all sides in turn;")
            .AppendLine("median (min … max).\n")
            .Append("| history | tasks | come | link | whole | compact | faster by | as many events, plain | compact takes ")
            .AppendLine("| bytes whole | bytes compact | smaller by |")
            .AppendLine("|---:|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|");
        await using var backend = await BenchBackend.StartAsync(cancellationToken);
        foreach (var (events, tasks) in histories)
        {
            var history = await backend.PushAsync($"b12-{events}-{tasks}", events, cancellationToken, lastingTasks: tasks);
            var near = new SyncOptions { Server = backend.Address };
            var first = await PullAsync(near with { Compact = new StreamCompact() }, history, null, cancellationToken);
            var come = (int)first.Added;
            var plain = await backend.PushAsync($"b12-plain-{events}-{tasks}", come, cancellationToken, lastingTasks: come);
            foreach (var link in new[] { TimeSpan.Zero, RoundTrip })
            {
                await using var far = link > TimeSpan.Zero ? new SlowLink(backend.Address, link) : null;
                var options = far is null ? near : near with { Server = far.Address, Stream = StreamEndpoint.Gateway };
                var compact = options with { Compact = new StreamCompact() };
                var (whole, left, same) = (new Samples(), new Samples(), new Samples());
                var (wholeBytes, leftBytes) = (0L, 0L);
                for (var run = -2; run < runs; run++)
                {
                    var all = await PullAsync(options, history, events, cancellationToken);
                    var some = await PullAsync(compact, history, come, cancellationToken);
                    var like = await PullAsync(options, plain, come, cancellationToken);
                    (wholeBytes, leftBytes) = (all.Bytes, some.Bytes);
                    if (run < 0) continue; // all warm up alike
                    whole.Add(all.Seconds * 1000);
                    left.Add(some.Seconds * 1000);
                    same.Add(like.Seconds * 1000);
                }

                report
                    .Append(CultureInfo.InvariantCulture, $"| {events:N0} | {tasks:N0} | {come:N0} ")
                    .Append(CultureInfo.InvariantCulture, $"| {(far is null ? "loopback" : $"{link.TotalMilliseconds:0} ms")} | {whole} | {left} ")
                    .Append(CultureInfo.InvariantCulture, $"| {whole.Median / left.Median:0.0} × | {same} | {left.Median / same.Median:0.00} × ")
                    .Append(CultureInfo.InvariantCulture, $"| {wholeBytes / 1e6:0.0} MB | {leftBytes / 1e6:0.00} MB ")
                    .AppendLine(CultureInfo.InvariantCulture, $"| {(double)wholeBytes / leftBytes:0.0} × |");
            }
        }

        if (other is not null) report.Append(await PushesAsync(runs, other, cancellationToken));
        return report.ToString();
    }

    // The merges go on beside the pushes, and take their CPU from them.
    private static async Task<string> PushesAsync(int runs, FileInfo other, CancellationToken cancellationToken)
    {
        var life = new EventGeneratorOptions { UserId = "", Seed = 1, LastingTasks = PushedTasks };
        var history = new EventGenerator(life).Generate(PushedEvents).Select(static json => (ReadOnlyMemory<byte>)json).ToList();
        await using var here = await BenchBackend.StartAsync(cancellationToken);
        await using var there = await BenchBackend.StartAsync(cancellationToken, other);
        var (with, without) = (new Samples(), new Samples());
        for (var run = -1; run < runs; run++)
        {
            foreach (var (backend, samples) in new[] { (here, with), (there, without) })
            {
                var options = new SyncOptions { Server = backend.Address };
                using var pusher = new SyncManager(options, new InMemoryEventStore(), backend.SignIn($"b12-push-{run + 1}"));
                var began = TimeProvider.System.GetTimestamp();
                await pusher.PushAsync(history, null, cancellationToken);
                if (run >= 0) samples.Add(TimeProvider.System.GetElapsedTime(began).TotalMilliseconds * PushEvents / PushedEvents);
            }
        }

        return string.Create(
            CultureInfo.InvariantCulture,
            $"""

            A push of {PushEvents:N0} events, of {PushedEvents:N0} with {PushedTasks:N0} tasks, one after the other: {with}, and {without} by a build
            that keeps no runs: {with.Median / without.Median:0.00} ×.

            """);
    }

    private static async Task<SyncResult> PullAsync(
        SyncOptions options, TokenProvider tokens, long? events, CancellationToken cancellationToken)
    {
        using var device = new SyncManager(options, new InMemoryEventStore(), tokens);
        var result = await device.PullAsync(null, cancellationToken);
        return result is { Transport: SyncTransport.Stream, Resumes: 0 } && result.Added == (events ?? result.Added)
            ? result
            : throw new InvalidOperationException($"{result.Added} of {events} events by {result.Transport}: {result.StreamFailure}");
    }
}
