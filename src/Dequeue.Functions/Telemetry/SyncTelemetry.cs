using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Dequeue.Functions.Telemetry;

/// <summary>
/// The traces and metrics of the backend; docs/operating.md lists the metrics. No tag names a user, a log or a connection: a label
/// that grows with the users would cost more than it tells, and personal data stays out of telemetry. Nobody listens unless
/// <see cref="Exporters"/> are configured, and then a measurement costs next to nothing.
/// </summary>
public sealed class SyncTelemetry : IDisposable
{
    /// <summary>The name of the activity source and of the meter.</summary>
    public const string Name = "Dequeue.Functions";

    /// <summary>The code of a stream whose client left: no fault of ours, and no error code of the wire.</summary>
    public const string Left = "left";

    private readonly Meter _meter;
    private readonly Counter<long> _started;
    private readonly Counter<long> _completed;
    private readonly Counter<long> _failed;
    private readonly Histogram<long> _events;
    private readonly Histogram<long> _bytes;
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _firstBatch;
    private readonly Histogram<long> _pushEvents;
    private readonly Histogram<double> _pushDuration;
    private readonly Counter<long> _conflicts;
    private readonly Counter<long> _storageCalls;
    private readonly Counter<long> _swept;
    private readonly TimeProvider _clock;

    /// <summary>Instruments of the host's meter factory.</summary>
    public SyncTelemetry(IMeterFactory meters, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(meters);
        _clock = clock;
        _meter = meters.Create(Name);
        _started = _meter.CreateCounter<long>("dequeue.streams.started", "{stream}", "Streams announced to a client.");
        _completed = _meter.CreateCounter<long>("dequeue.streams.completed", "{stream}", "Streams that reached complete.");
        _failed = _meter.CreateCounter<long>("dequeue.streams.failed", "{stream}", "Streams that ended otherwise, and requests that started none, by code.");
        _events = _meter.CreateHistogram("dequeue.stream.events", "{event}", "Events of one stream.", advice: Buckets<long>(0, 10, 100, 1_000, 10_000, 100_000, 1_000_000));
        _bytes = _meter.CreateHistogram("dequeue.stream.bytes", "By", "Bytes of one stream's batches, as handed to Web PubSub.", advice: Buckets<long>(0, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000));
        _duration = _meter.CreateHistogram("dequeue.stream.duration", "s", "From the request's arrival to complete.", advice: Seconds);
        _firstBatch = _meter.CreateHistogram("dequeue.stream.first_batch", "s", "From the request's arrival to the first batch handed over.", advice: Seconds);
        _pushEvents = _meter.CreateHistogram("dequeue.push.events", "{event}", "Events of one push.", advice: Buckets<long>(1, 2, 5, 10, 50, 100, 500, 1_000));
        _pushDuration = _meter.CreateHistogram("dequeue.push.duration", "s", "From the body read to the commit.", advice: Seconds);
        _conflicts = _meter.CreateCounter<long>("dequeue.log.conflicts", "{commit}", "Commits to a log that lost a race against another process.");
        _storageCalls = _meter.CreateCounter<long>("dequeue.storage.calls", "{call}", "Calls of the event log's storage.");
        _swept = _meter.CreateCounter<long>("dequeue.streams.swept", "{stream}", "Leftovers that the sweep removed, by kind.");
    }

    /// <summary>The spans of a sync: of the request, of each step, of each send.</summary>
    public static ActivitySource Spans { get; } = new(Name);

    /// <summary>A stream was announced.</summary>
    public void StreamStarted(StreamTrace? trace) => _started.Add(1, Path(trace));

    /// <summary>The first batch of a stream was handed over.</summary>
    public void FirstBatch(StreamTrace? trace)
    {
        if (Since(trace) is { } seconds) _firstBatch.Record(seconds, Path(trace));
    }

    /// <summary>A stream reached its end.</summary>
    public void StreamCompleted(StreamTrace? trace, long events, long bytes, string encoding)
    {
        var (path, coding) = (Path(trace), new KeyValuePair<string, object?>("encoding", encoding));
        _completed.Add(1, path);
        _events.Record(events, path, coding);
        _bytes.Record(bytes, path, coding);
        if (Since(trace) is { } seconds) _duration.Record(seconds, path);
    }

    /// <summary>A stream ended with an error of this code, or with <see cref="Left"/>.</summary>
    public void StreamFailed(StreamTrace? trace, string code) => _failed.Add(1, Path(trace), new("code", code));

    /// <summary>A push was handled, or failed.</summary>
    /// <param name="stored">Its valid events.</param>
    /// <param name="refused">Its events that were refused.</param>
    /// <param name="failed">Whether the valid ones could not be stored.</param>
    /// <param name="began">The clock's timestamp of its beginning.</param>
    public void Pushed(int stored, int refused, bool failed, long began)
    {
        var outcome = new KeyValuePair<string, object?>("outcome", failed ? "failed" : "stored");
        _pushEvents.Record(stored, outcome);
        if (refused > 0) _pushEvents.Record(refused, new KeyValuePair<string, object?>("outcome", "refused"));
        _pushDuration.Record(_clock.GetElapsedTime(began).TotalSeconds, outcome);
    }

    /// <summary>The storage was called.</summary>
    public void StorageCalled(string operation, string outcome) => _storageCalls.Add(1, new("operation", operation), new("outcome", outcome));

    /// <summary>A commit to a log lost a race.</summary>
    public void LogConflict() => _conflicts.Add(1);

    /// <summary>The sweep removed leftovers of this kind.</summary>
    public void Swept(string kind, int count)
    {
        if (count > 0) _swept.Add(count, new KeyValuePair<string, object?>("kind", kind));
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Path(StreamTrace? trace) => new("path", trace is { IsDurable: true } ? "durable" : "inline");

    // Two processes' clocks may differ; time does not run backwards.
    private double? Since(StreamTrace? trace) => trace is null ? null : Math.Max(0, (_clock.GetUtcNow() - trace.AskedAt).TotalSeconds);

    private static InstrumentAdvice<double> Seconds { get; } =
        Buckets<double>(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60);

    private static InstrumentAdvice<T> Buckets<T>(params T[] boundaries)
        where T : struct => new() { HistogramBucketBoundaries = boundaries };
}
