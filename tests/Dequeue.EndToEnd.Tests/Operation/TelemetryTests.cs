using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Dequeue.EndToEnd.Tests.Streaming;
using Dequeue.Functions.Telemetry;
using Microsoft.Extensions.DependencyInjection;

namespace Dequeue.EndToEnd.Tests.Operation;

/// <summary>Spans are heard in the whole process, so that no other test may run beside these.</summary>
[CollectionDefinition(nameof(TelemetryTests), DisableParallelization = true)]
[Collection(nameof(TelemetryTests))]
public sealed class TelemetryTests
{
    private const string Secret = "a-private-thought";
    private const string User = "ada.lovelace@example.org";
    private const string Request = """{"type":"sync.stream.request"}""";

    [Fact]
    public async Task A_push_and_a_stream_are_measured()
    {
        await using var host = await OperationHost.StartAsync();
        using var metrics = new Measurements(host.Services);
        await host.PushAsync(User, 30);
        await StreamAsync(host);

        Assert.Equal([30], metrics.Of("dequeue.push.events", ("outcome", "stored")));
        Assert.Single(metrics.Of("dequeue.push.duration", ("outcome", "stored")));
        Assert.Equal([1], metrics.Of("dequeue.streams.started", ("path", "inline")));
        await OperationHost.UntilAsync(() => Task.FromResult(metrics.Of("dequeue.stream.duration", ("path", "inline")).Count == 1));
        Assert.Equal([1], metrics.Of("dequeue.streams.completed", ("path", "inline")));
        Assert.Equal([30], metrics.Of("dequeue.stream.events", ("path", "inline"), ("encoding", "identity")));
        Assert.InRange(Assert.Single(metrics.Of("dequeue.stream.bytes", ("path", "inline"))), 30 * 100, 30 * 500);
        Assert.InRange(Assert.Single(metrics.Of("dequeue.stream.first_batch", ("path", "inline"))), 0, 60);
        Assert.NotEmpty(metrics.Of("dequeue.storage.calls", ("operation", "commit"), ("outcome", "ok")));
        Assert.NotEmpty(metrics.Of("dequeue.storage.calls", ("operation", "get"), ("outcome", "ok")));
        Assert.NotEmpty(metrics.Of("dequeue.storage.calls", ("operation", "query"), ("outcome", "ok")));
        Assert.Empty(metrics.Of("dequeue.log.conflicts"));
        Assert.Empty(metrics.Of("dequeue.streams.failed"));
    }

    [Fact]
    public async Task What_is_refused_is_counted_by_its_code()
    {
        await using var host = await OperationHost.StartAsync();
        using var metrics = new Measurements(host.Services);
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User));
        await stream.SendAsync("""{"type":"sync.stream.request","since":"yesterday"}""");
        await stream.ReceiveAsync();
        Assert.Equal([1], metrics.Of("dequeue.streams.failed", ("code", "INVALID_CHECKPOINT")));
    }

    [Fact]
    public async Task A_stream_whose_client_falls_silent_counts_as_failed_once_and_its_acknowledgements_as_nothing()
    {
        await using var host = await OperationHost.StartAsync(("Limits:AckSeconds", "1"));
        using var metrics = new Measurements(host.Services);
        using var spans = new Spans();
        await host.PushAsync(User, 30);
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User));
        await stream.SendAsync("""{"type":"sync.stream.request","window":1,"batchSize":10}""");
        await stream.SendAsync(WindowClient.Ack(0));
        await stream.ReceiveUntilAsync("sync.stream.error");

        Assert.Equal([1], metrics.Of("dequeue.streams.failed", ("path", "durable"), ("code", "STREAM_TIMEOUT")));
        Assert.Single(metrics.Of("dequeue.streams.failed"));
        Assert.Empty(metrics.Of("dequeue.streams.completed"));
        Assert.Single(metrics.Of("dequeue.push.events"));
        Assert.Single(spans.All, span => span.OperationName == "stream.request" && spans.All.Any(send => send.TraceId == span.TraceId && send.OperationName == "stream.window"));
    }

    [Fact]
    public async Task A_long_stream_is_one_trace_from_its_request_over_its_steps_to_its_sends()
    {
        await using var host = await OperationHost.StartAsync();
        await host.PushAsync(User, 41_000);
        using var spans = new Spans();
        using var metrics = new Measurements(host.Services);
        await StreamAsync(host);
        await OperationHost.UntilAsync(() => Task.FromResult(spans.All.Any(span => span.OperationName == "stream.complete")));

        var request = Assert.Single(spans.All, span => span.OperationName == "stream.request");
        var ours = spans.All.Where(span => span.TraceId == request.TraceId).ToList();
        Assert.Equal(
            ["stream.begin", "stream.complete", "stream.request", "stream.window", "stream.window", "stream.window"],
            ours.Where(span => span.OperationName != "stream.send").Select(span => span.OperationName).Order());
        Assert.Equal(1 + 41 + 1, ours.Count(span => span.OperationName == "stream.send"));
        Assert.All(ours.Where(span => span.OperationName == "stream.window"), window => Assert.Equal(request.SpanId, window.ParentSpanId));
        Assert.All(ours.Where(span => span.OperationName == "stream.send"), send => Assert.Contains(ours, step => step.SpanId == send.ParentSpanId));
        Assert.Equal([41_000], metrics.Of("dequeue.stream.events", ("path", "durable")));
        Assert.Single(metrics.Of("dequeue.stream.first_batch", ("path", "durable")));
    }

    [Fact]
    public async Task No_span_metric_or_log_line_of_a_sync_holds_the_user_a_token_or_a_payload()
    {
        await using var host = await OperationHost.StartAsync();
        using var spans = new Spans();
        using var metrics = new Measurements(host.Services);
        await host.PushAsync(User, 21_000, Secret);
        await StreamAsync(host);
        await using (var refused = await RawStream.OpenAsync(await host.NegotiateAsync(User))) await refused.SendAsync("""{"type":"sync.stream.request","since":"a-private-thought"}""");
        using (await host.SendAsync(HttpMethod.Post, "/v1/sync/push", OperationHost.Token(User), $$"""{"events":[{"id":"{{Secret}}","payload":7}]}""")) { }
        await OperationHost.UntilAsync(() => Task.FromResult(host.Lines.All.Any(line => line.Id == 202)));

        var texts = host.Lines.All.Select(line => line.Text)
            .Concat(spans.All.Select(span => $"{span.OperationName} {span.DisplayName} {string.Join(' ', span.TagObjects)} {string.Join(' ', span.Baggage)} {span.TraceStateString}"))
            .Concat(metrics.Texts)
            .ToList();
        Assert.True(texts.Count > 50);
        foreach (var personal in new[] { User, "ada.lovelace", Secret, "eyJ" }) Assert.DoesNotContain(texts, text => text.Contains(personal, StringComparison.OrdinalIgnoreCase));
    }

    private static async Task StreamAsync(OperationHost host)
    {
        await using var stream = await RawStream.OpenAsync(await host.NegotiateAsync(User));
        await stream.SendAsync(Request);
        await stream.ReceiveUntilAsync("sync.stream.complete");
    }

    /// <summary>What the meter of one host measured.</summary>
    private sealed class Measurements : IDisposable
    {
        private readonly ConcurrentQueue<(string Name, double Value, Dictionary<string, object?> Tags)> _all = new();
        private readonly MeterListener _listener = new();

        public Measurements(IServiceProvider services)
        {
            var scope = services.GetRequiredService<IMeterFactory>();
            services.GetRequiredService<SyncTelemetry>();
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == SyncTelemetry.Name && ReferenceEquals(instrument.Meter.Scope, scope)) listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
            _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
            _listener.Start();
        }

        public IEnumerable<string> Texts => _all.Select(one => $"{one.Name} {string.Join(' ', one.Tags)}");

        public List<double> Of(string name, params (string Key, string Value)[] tags)
            => [.. _all.Where(one => one.Name == name && tags.All(tag => one.Tags.TryGetValue(tag.Key, out var value) && (string?)value == tag.Value)).Select(one => one.Value)];

        public void Dispose() => _listener.Dispose();

        private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
            => _all.Enqueue((instrument.Name, value, new Dictionary<string, object?>(tags.ToArray())));
    }

    /// <summary>Our spans.</summary>
    private sealed class Spans : IDisposable
    {
        private readonly ConcurrentQueue<Activity> _all = new();
        private readonly ActivityListener _listener;

        public Spans()
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = source => source.Name == SyncTelemetry.Name,
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = _all.Enqueue,
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public IReadOnlyList<Activity> All => [.. _all];

        public void Dispose() => _listener.Dispose();
    }
}
