using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Dequeue.Client;

namespace Dequeue.Bench;

/// <summary>B13: what the functions host and its worker cost, beside another build when one is given.</summary>
internal static class HostBench
{
    private const int CallsPerReading = 500;

    private const int PagesPerReading = 20;

    private const string Small = "/v1/sync/meta";

    private const string Page = "/v1/sync/events?limit=1000";

    private static readonly int[] Lengths = [10_000, 50_000];

    /// <summary>Measures both builds in turn.</summary>
    public static async Task<string> RunAsync(int runs, FileInfo? other, CancellationToken cancellationToken)
    {
        await using var here = new Side(null);
        await using var there = other is null ? null : new Side(other);
        Side[] sides = there is null ? [here] : [here, there];
        for (var run = -1; run < runs; run++)
        {
            foreach (var side in sides) await side.StartAsync(isWarmUp: run < 0, cancellationToken);
        }

        foreach (var side in sides) await side.OpenAsync(cancellationToken);
        for (var run = -2; run < runs; run++)
        {
            foreach (var side in sides) await side.MeasureAsync(isWarmUp: run < 0, cancellationToken);
        }

        var report = new StringBuilder("# B13: what the functions host and its worker cost\n\n")
            .AppendLine("Host and worker are processes of their own; CPU and memory are those of both. Calls one after the other on one connection, answers without")
            .AppendLine(other is null ? "gzip. Median (min … max).\n" : "gzip. The build before is measured in turn. Median (min … max).\n");
        report.AppendLine(other is null ? "| what | this build |\n|---|---:|" : "| what | this build | the build before | ratio |\n|---|---:|---:|---:|");
        foreach (var name in sides[0].Names)
        {
            report.Append(CultureInfo.InvariantCulture, $"| {name} | {sides[0][name]} |");
            if (other is not null) report.Append(CultureInfo.InvariantCulture, $" {sides[1][name]} | {sides[0][name].Median / sides[1][name].Median:0.00} × |");
            report.AppendLine();
        }

        report.Append(CultureInfo.InvariantCulture, $"\nMemory of both processes after these streams of 50,000 events: {sides[0].Memory / 1e6:0} MB now, {sides[0].PeakMemory / 1e6:0} MB at most");
        report.AppendLine(other is null ? "." : string.Create(CultureInfo.InvariantCulture, $"; before {sides[1].Memory / 1e6:0} MB and {sides[1].PeakMemory / 1e6:0} MB."));
        return report.ToString();
    }

    /// <summary>One build, and what was measured of it.</summary>
    private sealed class Side(FileInfo? program) : IAsyncDisposable
    {
        private readonly Dictionary<string, Samples> _samples = [];
        private readonly Dictionary<int, TokenProvider> _tokens = [];
        private readonly HttpClient _http = new();
        private BenchBackend? _backend;

        public IEnumerable<string> Names => _samples.Keys;

        public long Memory => Backend.ServerMemory;

        public long PeakMemory => Backend.ServerPeakMemory;

        private BenchBackend Backend => _backend ?? throw new InvalidOperationException("It is not open.");

        public Samples this[string name] => _samples[name];

        /// <summary>Starts it once more, until it is ready, and ends it.</summary>
        public async Task StartAsync(bool isWarmUp, CancellationToken cancellationToken)
        {
            var began = TimeProvider.System.GetTimestamp();
            await using var backend = await BenchBackend.StartAsync(cancellationToken, program);
            Add("start until ready", isWarmUp, TimeProvider.System.GetElapsedTime(began).TotalMilliseconds);
        }

        public async Task OpenAsync(CancellationToken cancellationToken)
        {
            _backend = await BenchBackend.StartAsync(cancellationToken, program);
            foreach (var events in Lengths) _tokens[events] = await _backend.PushAsync($"b13-{events}", events, cancellationToken);
            _http.BaseAddress = _backend.Address;
            var token = await _tokens[Lengths[0]](default, cancellationToken);
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        public async Task MeasureAsync(bool isWarmUp, CancellationToken cancellationToken)
        {
            await CallAsync("small call (GET meta)", Small, CallsPerReading, isWarmUp, cancellationToken);
            await CallAsync("page of 1,000 events (GET events)", Page, PagesPerReading, isWarmUp, cancellationToken);
            foreach (var events in Lengths)
            {
                var elapsed = await BenchBackend.SyncAsync(new SyncOptions { Server = Backend.Address }, _tokens[events], events, cancellationToken);
                Add(string.Create(CultureInfo.InvariantCulture, $"stream of {events:N0} events, gzip: time"), isWarmUp, elapsed);
            }
        }

        public async ValueTask DisposeAsync()
        {
            _http.Dispose();
            if (_backend is not null) await _backend.DisposeAsync();
        }

        private async Task CallAsync(string name, string path, int calls, bool isWarmUp, CancellationToken cancellationToken)
        {
            var (cpu, began) = (Backend.ServerCpu, TimeProvider.System.GetTimestamp());
            for (var call = 0; call < calls; call++) await _http.GetByteArrayAsync(path, cancellationToken);
            Add(name + ": time", isWarmUp, TimeProvider.System.GetElapsedTime(began).TotalMilliseconds / calls);
            Add(name + ": CPU", isWarmUp, (Backend.ServerCpu - cpu).TotalMilliseconds / calls);
        }

        private void Add(string name, bool isWarmUp, double milliseconds)
        {
            if (isWarmUp) return;
            if (!_samples.TryGetValue(name, out var samples)) _samples[name] = samples = new Samples();
            samples.Add(milliseconds);
        }
    }
}
