using System.Diagnostics;

namespace Dequeue.Functions.Telemetry;

/// <summary>What ties the steps of one stream together in telemetry. Travels in durable history with the stream's target.</summary>
/// <param name="Parent">The W3C <c>traceparent</c> of the request; null when nobody traces.</param>
/// <param name="AskedAt">When the request arrived.</param>
/// <param name="IsDurable">Whether the stream is an orchestration.</param>
public sealed record StreamTrace(string? Parent, DateTimeOffset AskedAt, bool IsDurable = false)
{
    /// <summary>An orchestration of which nothing else is known.</summary>
    public static StreamTrace OfDurable { get; } = new(null, default, IsDurable: true);

    /// <summary>The trace of a request that has just arrived.</summary>
    public static StreamTrace Begin(TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        return new StreamTrace(Activity.Current is { IdFormat: ActivityIdFormat.W3C } current ? current.Id : null, clock.GetUtcNow());
    }

    /// <summary>
    /// A span of a step: a child of the request, also when the step runs in another process, whose own trace it is linked to.
    /// </summary>
    /// <param name="name">The span's name.</param>
    /// <param name="trace">The stream's; null for a stream of an older version.</param>
    /// <returns>Null when nobody traces.</returns>
    public static Activity? StartStep(string name, StreamTrace? trace)
    {
        if (trace?.Parent is not { } text || !ActivityContext.TryParse(text, null, isRemote: true, out var parent)) return SyncTelemetry.Spans.StartActivity(name);
        var here = Activity.Current?.Context ?? default;
        return here.TraceId == parent.TraceId
            ? SyncTelemetry.Spans.StartActivity(name)
            : SyncTelemetry.Spans.StartActivity(name, ActivityKind.Internal, parent, links: here == default ? null : [new ActivityLink(here)]);
    }
}
