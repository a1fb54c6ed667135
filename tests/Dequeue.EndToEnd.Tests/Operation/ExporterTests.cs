using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using Dequeue.EndToEnd.Tests.Streaming;
using Dequeue.Functions.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Dequeue.EndToEnd.Tests.Operation;

[Collection(nameof(TelemetryTests))]
public sealed class ExporterTests
{
    private const string User = "ada.lovelace@example.org";
    private const string Secret = "a-private-thought";

    [Fact]
    public async Task By_default_nothing_is_exported()
    {
        await using var host = await OperationHost.StartAsync();
        Assert.Null(host.Services.GetService<TracerProvider>());
        Assert.Null(host.Services.GetService<MeterProvider>());
    }

    [Fact]
    public async Task A_collector_gets_traces_and_metrics_and_nothing_personal_not_even_in_the_paths_of_calls()
    {
        await using var collector = await Collector.StartAsync();
        await using (var host = await OperationHost.StartAsync(("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")))
        {
            await host.PushAsync(User, 5, Secret);
            await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User));
            await stream.SendAsync("""{"type":"sync.stream.request"}""");
            await stream.ReceiveUntilAsync("sync.stream.complete");
            await OperationHost.UntilAsync(() => Task.FromResult(host.Lines.All.Any(line => line.Id == 202)));
        }

        var (traces, metrics) = (collector.Of("/v1/traces"), collector.Of("/v1/metrics"));
        foreach (var span in new[] { "stream.request", "stream.begin", "stream.window", "stream.send", "stream.complete", "push", "url.full" }) Assert.Contains(span, traces);
        foreach (var metric in new[] { "dequeue.streams.completed", "dequeue.stream.first_batch", "dequeue.push.duration", "dequeue.storage.calls" }) Assert.Contains(metric, metrics);
        foreach (var personal in new[] { User, "ada.lovelace", Uri.EscapeDataString(User), Secret, "eyJ" })
        {
            Assert.DoesNotContain(personal, traces);
            Assert.DoesNotContain(personal, metrics);
        }
    }

    [Fact]
    public async Task Azure_Monitor_is_used_when_its_connection_string_is_there()
    {
        await using var host = await OperationHost.StartAsync(
            ("APPLICATIONINSIGHTS_CONNECTION_STRING", "InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=http://127.0.0.1:1/;LiveEndpoint=http://127.0.0.1:1/"));
        Assert.NotNull(host.Services.GetService<TracerProvider>());
        Assert.NotNull(host.Services.GetService<MeterProvider>());
        await host.PushAsync(User, 1);
    }

    /// <summary>The deployment sets both: left alone, the exporter keeps five traces a second.</summary>
    [Theory]
    [InlineData("1.0", 40)]
    [InlineData("0.0", 0)]
    public async Task Traces_are_kept_at_the_percentage_that_the_deployment_sets_however_many_come(string ratio, int kept)
    {
        var recorded = new ConcurrentQueue<bool>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == SyncTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.PropagationData,
            ActivityStopped = span =>
            {
                if (span.OperationName == "push") recorded.Enqueue(span.Recorded);
            },
        };
        ActivitySource.AddActivityListener(listener);
        await using var host = await OperationHost.StartAsync(
            ("APPLICATIONINSIGHTS_CONNECTION_STRING", "InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=http://127.0.0.1:1/;LiveEndpoint=http://127.0.0.1:1/"),
            ("OTEL_TRACES_SAMPLER", "microsoft.fixed_percentage"), ("OTEL_TRACES_SAMPLER_ARG", ratio));
        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => host.PushAsync($"user-{i}", 1)));

        Assert.Equal(40, recorded.Count);
        Assert.Equal(kept, recorded.Count(isRecorded => isRecorded));
    }

    /// <summary>An OTLP collector that keeps what it gets.</summary>
    private sealed class Collector : IAsyncDisposable
    {
        private readonly WebApplication _app;
        private readonly ConcurrentQueue<(string Path, string Body)> _got = new();

        private Collector(WebApplication app) => _app = app;

        public string Address => _app.Urls.First();

        public static async Task<Collector> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
            var collector = new Collector(builder.Build());
            collector._app.MapPost("/v1/{kind}", async (HttpRequest request) =>
            {
                using var body = new MemoryStream();
                await request.Body.CopyToAsync(body, TestContext.Current.CancellationToken);
                collector._got.Enqueue((request.Path, Encoding.Latin1.GetString(body.ToArray())));
                return Results.Bytes([], "application/x-protobuf");
            });
            await collector._app.StartAsync(TestContext.Current.CancellationToken);
            return collector;
        }

        /// <summary>Everything that was posted to a path; text in it is readable.</summary>
        public string Of(string path) => string.Concat(_got.Where(one => one.Path == path).Select(one => one.Body));

        public ValueTask DisposeAsync() => _app.DisposeAsync();
    }
}
