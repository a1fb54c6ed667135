using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Dequeue.Client;

/// <summary>
/// What the client tells of its work: a meter and an activity source, both named <see cref="Name"/>. Nothing is measured that nobody
/// listens to.
/// </summary>
public static class SyncDiagnostics
{
    /// <summary>The name of both: <c>Dequeue.Client</c>.</summary>
    public const string Name = "Dequeue.Client";

    private static readonly Meter Meter = new(Name);
    private static readonly Counter<long> Received = Meter.CreateCounter<long>(
        "dequeue.client.events.received", "{event}", "Events that were new to the store.");

    private static readonly Counter<long> Pushed = Meter.CreateCounter<long>(
        "dequeue.client.events.pushed", "{event}", "Events that the server answered, by outcome: acknowledged or rejected.");

    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>(
        "dequeue.client.duration", "s", "How long a pull, push or flush took, by operation and outcome.");

    private static readonly ActivitySource Source = new(Name);

    internal static void Added(int events) => Received.Add(events);

    internal static void Answered(long acknowledged, long rejected)
    {
        if (acknowledged > 0) Pushed.Add(acknowledged, new KeyValuePair<string, object?>("outcome", "acknowledged"));
        if (rejected > 0) Pushed.Add(rejected, new KeyValuePair<string, object?>("outcome", "rejected"));
    }

    /// <summary>Runs an operation as an activity, and measures it.</summary>
    internal static async Task<T> RunAsync<T>(string operation, TimeProvider time, Func<Task<T>> run)
    {
        using var activity = Source.StartActivity($"dequeue.{operation}", ActivityKind.Client);
        var (began, outcome) = (time.GetTimestamp(), "ok");
        try
        {
            return await run().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            outcome = (e as SyncFailedException)?.Failure.Kind.ToString() ?? e.GetType().Name;
            activity?.SetStatus(ActivityStatusCode.Error, outcome);
            throw;
        }
        finally
        {
            Duration.Record(
                time.GetElapsedTime(began).TotalSeconds,
                new KeyValuePair<string, object?>("operation", operation), new KeyValuePair<string, object?>("outcome", outcome));
        }
    }
}
