using System.Globalization;
using System.Text;
using Dequeue.Client;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Streaming;

namespace Dequeue.Bench;

/// <summary>B6: how soon a device can show something, and how soon it has what is new.</summary>
internal static class FirstSightBench
{
    private const int Tasks = 49;
    private const int NewEvents = 10;
    private static readonly int[] Lengths = [1_000, 10_000, 100_000];

    public static async Task<string> RunAsync(int runs, CancellationToken cancellationToken)
    {
        await using var backend = await BenchBackend.StartAsync(cancellationToken);
        var options = new SyncOptions { Server = backend.Address };
        var report = new StringBuilder("# B6: the first sight, and what is new\n\n")
            .AppendLine("A device's times from its first packet (negotiate), loopback, gzip, its store in memory; server and client in separate processes, the ways in turn;")
            .AppendLine(CultureInfo.InvariantCulture, $"median (min … max). The active stack has {Tasks + 1} events, in the middle of the history. *Ready* is when they are all in the store. What is new: {NewEvents} events,")
            .AppendLine("for a device that has all before them.\n")
            .AppendLine("| events | first batch | active stack ready | whole history, active stack first | whole history, plain order | what is new |").AppendLine("|---:|---:|---:|---:|---:|---:|");
        foreach (var length in Lengths)
        {
            var tokens = await backend.PushAsync($"b6-{length}", length / 2, cancellationToken);
            using var pusher = new SyncManager(options, new InMemoryEventStore(), tokens);
            await pusher.PushAsync([.. ActiveStack()], null, cancellationToken);
            await backend.PushAsync($"b6-{length}", length - length / 2, cancellationToken, seed: 2, without: "stack.activated");

            var device = new InMemoryEventStore();
            using var current = new SyncManager(options, device, tokens);
            await current.PullAsync(null, cancellationToken);
            var (first, ready, priority, plain, news) = (new Samples(), new Samples(), new Samples(), new Samples(), new Samples());
            for (var run = -2; run < runs; run++)
            {
                var (firstAt, plainAt, _) = await MeasureAsync(options, tokens, cancellationToken);
                var (_, priorityAt, readyAt) = await MeasureAsync(options with { Priority = new StreamPriority([], true) }, tokens, cancellationToken);
                await backend.PushAsync($"b6-{length}", NewEvents, cancellationToken, seed: 100 + run, without: "stack.activated");
                var began = TimeProvider.System.GetTimestamp();
                var pulled = await current.PullAsync(null, cancellationToken);
                var newsAt = TimeProvider.System.GetElapsedTime(began).TotalMilliseconds;
                if (pulled.Transport != SyncTransport.Stream || pulled.Added == 0) throw new InvalidOperationException($"What is new: {pulled}");
                if (run < 0) continue; // all warm up alike
                first.Add(firstAt);
                plain.Add(plainAt);
                priority.Add(priorityAt);
                ready.Add(readyAt!.Value);
                news.Add(newsAt);
            }

            report.AppendLine(CultureInfo.InvariantCulture, $"| {length:N0} | {first} | {ready} | {priority} | {plain} | {news} |");
        }

        return report.ToString();
    }

    private static async Task<(double First, double All, double? Ready)> MeasureAsync(SyncOptions options, TokenProvider tokens, CancellationToken cancellationToken)
    {
        var store = new FirstSaveStore();
        using var device = new SyncManager(options, store, tokens);
        var began = TimeProvider.System.GetTimestamp();
        var result = await device.PullAsync(null, cancellationToken);
        var all = TimeProvider.System.GetElapsedTime(began).TotalMilliseconds;
        return result is { Transport: SyncTransport.Stream, DigestVerified: true }
            ? (TimeProvider.System.GetElapsedTime(began, store.FirstSave).TotalMilliseconds, all, result.ReadySeconds * 1000)
            : throw new InvalidOperationException($"A new device: {result}");
    }

    private static IEnumerable<ReadOnlyMemory<byte>> ActiveStack()
    {
        yield return Event("s", "stack.activated", """{"stackId":"b6-stack","status":"active"}""");
        for (var task = 0; task < Tasks; task++)
            yield return Event($"t{task}", "task.created", $$$"""{"taskId":"b6-task-{{{task}}}","stackId":"b6-stack","state":{"id":"b6-task-{{{task}}}","title":"Call the dentist"}}""");
    }

    private static ReadOnlyMemory<byte> Event(string id, string type, string payload)
        => Encoding.UTF8.GetBytes($$"""{"id":"b6-{{id}}","user_id":"","device_id":"bench","ts":"2026-11-22T08:00:00Z","type":"{{type}}","payload":{{payload}},"payload_version":2}""");

    /// <summary>A store in memory that knows when its first events came.</summary>
    private sealed class FirstSaveStore : IEventStore
    {
        private readonly InMemoryEventStore _inner = new();

        public long FirstSave { get; private set; }

        public ValueTask<StorePosition> LoadAsync(CancellationToken cancellationToken) => _inner.LoadAsync(cancellationToken);

        public async ValueTask<IReadOnlyList<SyncEvent>> SaveAsync(IReadOnlyList<SyncEvent> events, Checkpoint? checkpoint, CancellationToken cancellationToken)
        {
            var added = await _inner.SaveAsync(events, checkpoint, cancellationToken);
            if (FirstSave == 0 && added.Count > 0) FirstSave = TimeProvider.System.GetTimestamp();
            return added;
        }

        public ValueTask RewindAsync(StorePosition position, CancellationToken cancellationToken) => _inner.RewindAsync(position, cancellationToken);
    }
}
