using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Dequeue.Functions.Streaming;
using Dequeue.Functions.Telemetry;
using Dequeue.Sync.Streaming;

namespace Dequeue.Functions.Sweeping;

/// <summary>
/// Ends streams that nobody else will end: those whose connection has gone without our hearing of it (events may be lost), and
/// those that make no progress (a process that died in the middle). And throws away the durable history of ended streams, which
/// names users.
/// </summary>
/// <remarks>
/// Connection ids are never used twice, so what belongs to a connection that has gone can be removed whatever else happens
/// meanwhile. Each run does so much work and no more, beginning anywhere; what is left is left to the next runs.
/// </remarks>
public sealed partial class StreamSweep(
    StreamRegistry registry, WebPubSubServiceClient service, SyncTelemetry telemetry, TimeProvider clock, ILogger<StreamSweep> logger)
{
    /// <summary>A stream may be between two steps for so long; a retried step takes about 15 s, a step that died with its process
    /// a minute (see host.json), a function at most 5 minutes.</summary>
    internal static readonly TimeSpan StuckAfter = TimeSpan.FromMinutes(10);

    /// <summary>A connection whose stream has ended is not looked for before: it is likely still there, and its row does no harm.</summary>
    internal static readonly TimeSpan IdleAfter = TimeSpan.FromHours(12);

    /// <summary>Durable history is kept for so long after the end, for whoever wants to look.</summary>
    internal static readonly TimeSpan HistoryLife = TimeSpan.FromHours(1);

    /// <summary>Rows that one run looks into: each costs a call or two. Some 100 calls a second and less than a minute.</summary>
    private const int MaxRows = 2000;

    /// <summary>Durable instances that one run looks into.</summary>
    private const int MaxInstances = 1000;

    /// <summary>Calls at the same time.</summary>
    private const int Concurrency = 8;

    /// <summary>Sweeps once.</summary>
    /// <exception cref="Sync.Storage.StorageUnavailableException">The storage did not answer; the next run goes on.</exception>
    /// <exception cref="Azure.RequestFailedException">Web PubSub did not answer; the next run goes on.</exception>
    public async Task<SweepReport> RunAsync(DurableTaskClient durable, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(durable);
        var (orphaned, stuck, purged) = (0, 0, 0);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Concurrency, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(SuspectsAsync(cancellationToken), parallel, async (row, token) =>
        {
            if (!await ExistsAsync(row.Connection, token))
            {
                if (await EndOrphanAsync(row, durable, token)) Interlocked.Increment(ref orphaned);
            }
            else if (row.IsRunning && await EndStuckAsync(row, durable, token))
            {
                Interlocked.Increment(ref stuck);
            }
        });

        await Parallel.ForEachAsync(InstancesAsync(durable, cancellationToken), parallel, async (instance, token) =>
        {
            if (await EndInstanceAsync(instance, durable, token)) Interlocked.Increment(ref purged);
        });

        telemetry.Swept("orphaned", orphaned);
        telemetry.Swept("stuck", stuck);
        telemetry.Swept("history", purged);
        var report = new SweepReport(orphaned, stuck, purged);
        if (report != SweepReport.Nothing) LogSwept(orphaned, stuck, purged);
        return report;
    }

    private async IAsyncEnumerable<RegisteredStream> SuspectsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var count = 0;
        await foreach (var row in registry.ListAsync(RandomNumberGenerator.GetInt32(StreamRegistry.Shards), cancellationToken))
        {
            if (!IsSuspect(row)) continue;
            yield return row;
            if (++count == MaxRows) yield break;
        }
    }

    private async IAsyncEnumerable<OrchestrationMetadata> InstancesAsync(DurableTaskClient durable, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (count, old) = (0, new OrchestrationQuery(CreatedTo: clock.GetUtcNow() - StuckAfter, InstanceIdPrefix: StreamTarget.InstancePrefix));
        await foreach (var instance in durable.GetAllInstancesAsync(old).WithCancellation(cancellationToken))
        {
            yield return instance;
            if (++count == MaxInstances) yield break;
        }
    }

    private bool IsSuspect(RegisteredStream row) => clock.GetUtcNow() - row.ChangedAt >= (row.IsRunning ? StuckAfter : IdleAfter);

    private async Task<bool> EndOrphanAsync(RegisteredStream row, DurableTaskClient durable, CancellationToken cancellationToken)
    {
        if (row.IsRunning) await durable.EndStreamAsync(row.Connection, "The connection has gone.", cancellationToken);
        return await registry.RemoveAsync(row, cancellationToken);
    }

    // The client is told by the end of its connection: whatever it speaks, it understands that, and carries on by REST.
    private async Task<bool> EndStuckAsync(RegisteredStream row, DurableTaskClient durable, CancellationToken cancellationToken)
    {
        var instance = await durable.GetInstanceAsync(StreamTarget.InstanceOf(row.Connection), getInputsAndOutputs: false, cancellationToken);
        if (instance is { IsCompleted: false } && clock.GetUtcNow() - instance.LastUpdatedAt < StuckAfter) return false;
        var wasDurable = await durable.EndStreamAsync(row.Connection, "The stream made no progress.", cancellationToken);
        if (!await registry.RemoveAsync(row, cancellationToken)) return false;
        telemetry.StreamFailed(wasDurable ? StreamTrace.OfDurable : null, Contracts.ErrorCodes.StreamTimeout);
        LogStuck(row.Connection);
        await service.CloseConnectionAsync(row.Connection, "The stream made no progress.", new Azure.RequestContext { CancellationToken = cancellationToken });
        return true;
    }

    private async Task<bool> EndInstanceAsync(OrchestrationMetadata instance, DurableTaskClient durable, CancellationToken cancellationToken)
    {
        if (clock.GetUtcNow() - instance.LastUpdatedAt < (instance.IsCompleted ? HistoryLife : StuckAfter)) return false;

        // While the connection is there, it may use the instance's id for a next stream at any moment.
        var connection = StreamTarget.ConnectionOf(instance.InstanceId);
        if (await ExistsAsync(connection, cancellationToken)) return false;
        if (instance.IsCompleted) await durable.PurgeInstanceAsync(instance.InstanceId, cancellationToken);
        else await durable.EndStreamAsync(connection, "The connection has gone.", cancellationToken);
        return instance.IsCompleted;
    }

    private async Task<bool> ExistsAsync(string connection, CancellationToken cancellationToken)
        => await service.ConnectionExistsAsync(connection, new Azure.RequestContext { CancellationToken = cancellationToken });

    [LoggerMessage(601, LogLevel.Information, "Swept {Orphaned} streams of connections that have gone, {Stuck} that made no progress, and the history of {Purged}", EventName = "601")]
    private partial void LogSwept(int orphaned, int stuck, int purged);

    [LoggerMessage(602, LogLevel.Warning, "The stream on {Connection} made no progress and was ended with its connection", EventName = "602")]
    private partial void LogStuck(string connection);
}

/// <summary>What a sweep found.</summary>
/// <param name="Orphaned">Streams whose connection had gone.</param>
/// <param name="Stuck">Streams that made no progress.</param>
/// <param name="Purged">Ended orchestrations whose history was removed.</param>
public sealed record SweepReport(int Orphaned, int Stuck, int Purged)
{
    /// <summary>As it should be.</summary>
    public static SweepReport Nothing { get; } = new(0, 0, 0);
}
