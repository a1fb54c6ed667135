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
        "dequeue.client.duration", "s", "How long a pull, push, flush or connection of a watch took, by operation and outcome.");

    private static readonly ActivitySource Source = new(Name);

    internal static void Added(int events) => Received.Add(events);

    internal static void Answered(long acknowledged, long rejected)
    {
        if (acknowledged > 0) Pushed.Add(acknowledged, new KeyValuePair<string, object?>("outcome", "acknowledged"));
        if (rejected > 0) Pushed.Add(rejected, new KeyValuePair<string, object?>("outcome", "rejected"));
    }

    /// <summary>Runs an operation as an activity, and measures it.</summary>
    /// <param name="operation">Its name.</param>
    /// <param name="time">The clock.</param>
    /// <param name="run">The operation.</param>
    /// <param name="failureOf">What a result says of a failure, for an operation that does not throw it.</param>
    internal static async Task<T> RunAsync<T>(
        string operation, TimeProvider time, Func<Task<T>> run, Func<T, SyncFailure?>? failureOf = null)
    {
        using var activity = Source.StartActivity($"dequeue.{operation}", ActivityKind.Client);
        var (began, outcome) = (time.GetTimestamp(), "ok");
        try
        {
            var result = await run().ConfigureAwait(false);
            if (failureOf?.Invoke(result) is { } failure) outcome = failure.Kind.ToString();
            return result;
        }
        catch (Exception e)
        {
            outcome = (e as SyncFailedException)?.Failure.Kind.ToString() ?? e.GetType().Name;
            throw;
        }
        finally
        {
            if (outcome != "ok") activity?.SetStatus(ActivityStatusCode.Error, outcome);
            Duration.Record(
                time.GetElapsedTime(began).TotalSeconds,
                new KeyValuePair<string, object?>("operation", operation), new KeyValuePair<string, object?>("outcome", outcome));
        }
    }
}
