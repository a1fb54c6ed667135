using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Dequeue.SampleEvents;
using Dequeue.Client.Hosting;
using Dequeue.Client.Tests.Packaging;
using Dequeue.Client.Tests.Servers;
using Dequeue.Contracts.Events;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Dequeue.Client.Tests.Hosting;

public sealed class HostingTests
{
    private static readonly List<byte[]> Made = new EventGenerator(new EventGeneratorOptions { Seed = 99 }).Generate(5).ToList();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_app_gets_every_event_in_its_handler_and_sends_what_it_makes()
    {
        await using var server = await TestServer.StartAsync(50);
        var history = server.Log.ToList();
        using var host = Host(new() { ["Sync:Server"] = server.Address.AbsoluteUri, ["Sync:App"] = "dequeue", ["Sync:FlushInterval"] = "00:00:00.010" });
        var handler = host.Services.GetServices<ISyncEventHandler>().OfType<Collector>().Single();
        await host.StartAsync(Cancelled);

        await handler.HasAsync(50);
        await host.Services.GetRequiredService<SyncManager>().EnqueueAsync([Made[0]], Cancelled);
        await server.CalledAsync("POST /apps/dequeue/sync/push", 1);
        await server.LiveAsync(1);
        await host.StopAsync(Cancelled);

        Assert.Equal(history, handler.Seen);
        await server.NoSocketsAsync();
    }

    [Theory]
    [InlineData(null, null, null, "Server is required")]
    [InlineData("ftp://host", null, null, "Server is an absolute http or https URL")]
    [InlineData("https://host", "an app", null, "App is 1 to")]
    [InlineData("https://host", null, "00:00:00", "FlushInterval and RestartInterval are longer than nothing")]
    [InlineData("https://host", null, "365.00:00:00", "at most 40 days")]
    public async Task A_wrong_setting_stops_the_app_at_its_start(string? server, string? app, string? flushInterval, string why)
    {
        using var host = Host(new() { ["Sync:Server"] = server, ["Sync:App"] = app, ["Sync:FlushInterval"] = flushInterval ?? "00:00:05" });

        var wrong = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(Cancelled));

        Assert.Contains(why, wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Work_is_measured_and_traced()
    {
        await using var server = await TestServer.StartAsync(10);
        var (measured, spans) = (new ConcurrentDictionary<string, double>(), new ConcurrentBag<(string Name, ActivityTraceId Trace, string? Failure)>());
        using var metrics = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == SyncDiagnostics.Name) listener.EnableMeasurementEvents(instrument);
            },
        };
        metrics.SetMeasurementEventCallback<long>((instrument, value, _, _) => measured.AddOrUpdate(instrument.Name, value, (_, sum) => sum + value));
        metrics.SetMeasurementEventCallback<double>((instrument, value, _, _) => measured.AddOrUpdate(instrument.Name, value, (_, sum) => sum + value));
        metrics.Start();
        using var traces = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == SyncDiagnostics.Name,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity => spans.Add((activity.OperationName, activity.TraceId, activity.StatusDescription)),
        };
        ActivitySource.AddActivityListener(traces);
        // Other tests run beside this one: these are its own.
        using var here = new Activity("here").Start();
        using var sync = new SyncManager(server.Options, new InMemoryEventStore(), TokenProviders.Fixed(TestServer.Token));

        await sync.PullAsync(cancellationToken: Cancelled);
        await sync.EnqueueAsync([Made[0], Made[1]], Cancelled);
        await sync.FlushAsync(cancellationToken: Cancelled);
        using var offline = new SyncManager(
            new SyncOptions { Server = new Uri("http://127.0.0.1:9/"), MaxAttempts = 1 }, new InMemoryEventStore(), TokenProviders.Fixed("t"));
        await offline.EnqueueAsync([Made[2]], Cancelled);
        var failed = (await offline.FlushAsync(cancellationToken: Cancelled)).Failure!;

        Assert.True(measured["dequeue.client.events.received"] >= 10);
        Assert.True(measured["dequeue.client.events.pushed"] >= 2);
        Assert.True(measured["dequeue.client.duration"] > 0);
        Assert.Equal(
            [("dequeue.flush", null), ("dequeue.flush", failed.Kind.ToString()), ("dequeue.pull", null)],
            spans.Where(span => span.Trace == here.TraceId).Select(static span => (span.Name, span.Failure)).Order());
        var readme = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "src", "Dequeue.Client", "README.md"), Cancelled);
        Assert.All(
            measured.Keys.Concat(spans.Select(static span => span.Name)).Distinct(),
            name => Assert.Contains($"`{name}`", readme, StringComparison.Ordinal));
    }

    private static IHost Host(Dictionary<string, string?> settings)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(settings);
        builder.Services.AddSingleton<IEventStore>(new InMemoryEventStore());
        builder.Services.AddSingleton(TokenProviders.Fixed(TestServer.Token));
        builder.Services.AddDequeueSync(builder.Configuration.GetSection("Sync")).AddHandler<Collector>();
        return builder.Build();
    }

    internal sealed class Collector : ISyncEventHandler
    {
        private readonly Lock _lock = new();
        private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public List<byte[]> Seen { get; } = [];

        public ValueTask HandleAsync(SyncEvent next, CancellationToken cancellationToken)
        {
            TaskCompletionSource more;
            lock (_lock)
            {
                Seen.Add(next.Json.ToArray());
                (more, _more) = (_more, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            }

            more.SetResult();
            return ValueTask.CompletedTask;
        }

        public async Task HasAsync(int count)
        {
            while (true)
            {
                Task more;
                lock (_lock)
                {
                    if (Seen.Count >= count) return;
                    more = _more.Task;
                }

                await more.WaitAsync(Guard.Time, Cancelled);
            }
        }
    }
}
