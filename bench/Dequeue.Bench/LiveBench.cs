using System.Globalization;
using System.Text;
using Dequeue.SampleEvents;
using Dequeue.Client;
using Dequeue.Contracts;

namespace Dequeue.Bench;

/// <summary>How long a pushed event takes to another device that is online.</summary>
internal static class LiveBench
{
    public static async Task<string> RunAsync(int runs, CancellationToken cancellationToken)
    {
        await using var backend = await BenchBackend.StartAsync(cancellationToken);
        var tokens = await backend.PushAsync("live", 100, cancellationToken);
        var options = new SyncOptions { Server = backend.Address, App = AppId.Parse("dequeue") };
        using var watcher = new SyncManager(options, new InMemoryEventStore(), tokens);
        using var pusher = new SyncManager(options, new InMemoryEventStore(), tokens);
        await using var seen = watcher.WatchAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        for (var missed = 0; missed < 100; missed++) await seen.MoveNextAsync();

        var (acknowledged, arrived) = (new Samples(), new Samples());
        var fresh = new EventGenerator(new EventGeneratorOptions { Seed = 99, UserId = "" }).Generate(runs + 5).ToList();
        for (var run = -5; run < runs; run++)
        {
            var began = TimeProvider.System.GetTimestamp();
            var pushing = pusher.PushAsync([fresh[run + 5]], null, cancellationToken);
            await seen.MoveNextAsync();
            var there = TimeProvider.System.GetElapsedTime(began).TotalMilliseconds;
            await pushing;
            if (run < 0) continue;
            arrived.Add(there);
            acknowledged.Add(TimeProvider.System.GetElapsedTime(began).TotalMilliseconds);
        }

        return new StringBuilder("# Live: from one device's push to another's store\n\n")
            .AppendLine("One event a push, loopback, server and devices in separate processes; median (min … max).\n")
            .AppendLine("| what | time |").AppendLine("|---|---:|")
            .AppendLine(CultureInfo.InvariantCulture, $"| the other device has it | {arrived} |")
            .AppendLine(CultureInfo.InvariantCulture, $"| both it and the pusher's acknowledgement are there | {acknowledged} |")
            .ToString();
    }
}
