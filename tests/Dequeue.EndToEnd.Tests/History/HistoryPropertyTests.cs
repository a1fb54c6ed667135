using System.Text;
using Dequeue.Client;
using Dequeue.Contracts.Events;
using Dequeue.EndToEnd.Tests.Hosting;

namespace Dequeue.EndToEnd.Tests.History;

/// <summary>
/// Random pushes, syncs, backups, restores and erases with several devices against a model: at the end every device equals the server or
/// has said why not, and no event that a device got acknowledged is missing from both.
/// </summary>
public sealed class HistoryPropertyTests(HistoryBackend backend) : IClassFixture<HistoryBackend>
{
    private const int Devices = 3;

    /// <summary>Rounds after which devices that all sync must have come to rest: each may have to give the server what the others lack.</summary>
    private const int FinalRounds = 4;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, 10)]
    [InlineData(11, 10)]
    public async Task Whatever_is_put_back_or_erased_nothing_acknowledged_is_lost_and_nobody_diverges_in_silence(int firstSeed, int seeds)
    {
        var totals = new Dictionary<string, int>();
        for (var seed = firstSeed; seed < firstSeed + seeds; seed++)
        {
            var run = new Run(backend, seed);
            try
            {
                await run.PlayAsync(steps: 45);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                throw new InvalidOperationException($"Seed {seed}: {string.Join(' ', run.Story)}", e);
            }

            foreach (var (what, count) in run.Counts) totals[what] = totals.GetValueOrDefault(what) + count;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"seeds {firstSeed} to {firstSeed + seeds - 1}: {string.Join(", ", totals.OrderBy(one => one.Key).Select(one => $"{one.Value} {one.Key}"))}");

        // The histories must have had in them what they are about.
        foreach (var what in new[] { "backups", "restores", "erases", "healings", "refusals", "beginnings anew", "events lost by the server and queued again" }) Assert.True(totals.GetValueOrDefault(what) > 0, what);
    }

    private sealed class Run(HistoryBackend backend, int seed)
    {
        private readonly Random _random = new(seed);
        private readonly TestUser _user = backend.Backend.NewUser();
        private readonly List<Device> _devices = [];
        private readonly List<string> _backups = [];
        private int _made;

        public List<string> Story { get; } = [];

        public Dictionary<string, int> Counts { get; } = [];

        public async Task PlayAsync(int steps)
        {
            for (var i = 0; i < Devices; i++)
            {
                var store = new InMemoryEventStore();
                _devices.Add(new Device(backend.Device(_user, store, (StreamEndpoint)i), store));
            }

            for (var step = 0; step < steps; step++) await StepAsync();
            await FinishAsync();
            foreach (var device in _devices) device.Sync.Dispose();
        }

        private async Task StepAsync()
        {
            var at = _random.Next(Devices);
            var device = _devices[at];
            switch (_random.Next(100))
            {
                case < 30:
                    Tell($"push@{at}");
                    await MakeAsync(device, _random.Next(1, 40));
                    await FlushAsync(device);
                    break;
                case < 40:
                    Tell($"make@{at}");
                    await MakeAsync(device, _random.Next(1, 5));
                    break;
                case < 75:
                    Tell($"pull@{at}");
                    await PullAsync(device);
                    break;
                case < 85:
                    Tell("backup");
                    Count("backups");
                    _backups.Add(await backend.BackUpAsync($"{seed}-{_backups.Count}.backup"));
                    break;
                case < 95 when _backups.Count > 0:
                    var backup = _random.Next(_backups.Count);
                    Tell($"restore{backup}");
                    Count("restores");
                    await backend.RestoreAsync(_backups[backup]);
                    break;
                case >= 95:
                    Tell("erase");
                    Count("erases");
                    await backend.EraseAsync(_user);
                    break;
            }
        }

        private async Task FinishAsync()
        {
            for (var round = 0; round < FinalRounds; round++)
            {
                foreach (var device in _devices)
                {
                    await FlushAsync(device);
                    await PullAsync(device);
                }
            }

            var log = await backend.LogAsync(_user);
            var server = new InMemoryEventStore();
            using (var reader = backend.Device(_user, server, StreamEndpoint.None)) await reader.PullAsync(cancellationToken: Stop);
            foreach (var device in _devices)
            {
                var held = device.Store;
                var sent = (await held.SentAsync(Stop)).Concat(await held.PeekAsync(int.MaxValue, Stop)).Select(one => one.Id).ToHashSet();
                if (device.Refusal is null)
                {
                    Assert.Equal(log, (held.Events.Count, held.Digest()));
                    Assert.Equal(0, await held.CountAsync(Stop));
                    Assert.DoesNotContain(device.Acknowledged, id => !server.Contains(id));
                }
                else
                {
                    Assert.Equal(SyncFailureKind.HistoryChanged, device.Refusal.Kind);
                    Assert.DoesNotContain(device.Acknowledged, id => !server.Contains(id) && !held.Contains(id) && !sent.Contains(id));
                }
            }
        }

        private async Task MakeAsync(Device device, int count)
        {
            var events = Enumerable.Range(0, count).Select(_ => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(
                $$"""{"id":"s{{seed}}-{{_made++}}","ts":"2026-01-01T00:00:00Z","type":"task.created","payload":{"taskId":"t{{_made}}"},"payload_version":2}""")).ToList();
            await device.Sync.EnqueueAsync(events, Stop);
            foreach (var json in events) device.Waiting.Add(new SyncEventReader().Read(json).Id!);
        }

        private async Task FlushAsync(Device device)
        {
            var result = await device.Sync.FlushAsync(cancellationToken: Stop);
            var waiting = (await device.Store.PeekAsync(int.MaxValue, Stop)).Select(one => one.Id).ToHashSet();
            Assert.Empty(result.Rejected);
            device.Acknowledged.UnionWith(device.Waiting.Where(id => !waiting.Contains(id)));
            device.Waiting.IntersectWith(waiting);
            if (result.Failure is { } failure) await RefusedAsync(device, failure);
        }

        private async Task PullAsync(Device device)
        {
            try
            {
                var result = await device.Sync.PullAsync(cancellationToken: Stop);
                device.Refusal = null;
                if (result.PushedAgain is not null) Count("healings");
                Count("events given back", (int)(result.PushedAgain ?? 0));
                Count("events lost by the server and queued again", (int)result.Requeued);
                device.Waiting.UnionWith((await device.Store.PeekAsync(int.MaxValue, Stop)).Select(one => one.Id));
            }
            catch (SyncFailedException e)
            {
                await RefusedAsync(device, e.Failure);
            }
        }

        private async Task RefusedAsync(Device device, SyncFailure failure)
        {
            Assert.Equal(SyncFailureKind.HistoryChanged, failure.Kind);
            Count("refusals");
            device.Refusal = failure;

            // A person may choose to begin anew; what the device was told in its former life is gone with it.
            if (_random.Next(3) > 0) return;
            Tell("anew");
            Count("beginnings anew");
            await device.Sync.BeginAnewAsync(Stop);
            device.Acknowledged.Clear();
            device.Waiting.Clear();
        }

        private void Tell(string what) => Story.Add(what);

        private void Count(string what, int by = 1) => Counts[what] = Counts.GetValueOrDefault(what) + by;
    }

    private sealed class Device(SyncManager sync, InMemoryEventStore store)
    {
        public SyncManager Sync => sync;

        public InMemoryEventStore Store => store;

        public HashSet<string> Waiting { get; } = [];

        public HashSet<string> Acknowledged { get; } = [];

        public SyncFailure? Refusal { get; set; }
    }
}
