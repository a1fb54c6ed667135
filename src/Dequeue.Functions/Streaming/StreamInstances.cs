namespace Dequeue.Functions.Streaming;

/// <summary>The durable instances of streams, seen from outside.</summary>
internal static class StreamInstances
{
    /// <summary>The external event that tells a stream what its client has processed.</summary>
    public const string Ack = "ack";

    /// <summary>How long an instance may outlive its stream: its last step frees the connection, tells the client, and ends.</summary>
    private static readonly TimeSpan Aftermath = TimeSpan.FromSeconds(20);

    /// <summary>Starts a stream. Its connection has been claimed for it, so an instance that still runs is that of the stream before.</summary>
    /// <exception cref="OperationCanceledException">That one does not end.</exception>
    public static async Task StartStreamAsync(this DurableTaskClient durable, StreamOrder order, CancellationToken cancellationToken)
    {
        var id = order.Target.InstanceId;
        if (await durable.RunsAsync(id, cancellationToken))
        {
            using var aftermath = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            aftermath.CancelAfter(Aftermath);
            await durable.WaitForInstanceCompletionAsync(id, false, aftermath.Token);
        }

        await durable.ScheduleNewOrchestrationInstanceAsync(nameof(StreamSync), order, new StartOrchestrationOptions(id), cancellationToken);
    }

    /// <summary>Tells the stream of a connection what its client has processed.</summary>
    /// <returns>False when there is no stream that could wait for it: it has ended, or was sent at once.</returns>
    public static async Task<bool> AcknowledgeAsync(this DurableTaskClient durable, string connectionId, int batchIndex, CancellationToken cancellationToken)
    {
        var id = StreamTarget.InstanceOf(connectionId);
        return await durable.TryAsync(id, () => durable.RaiseEventAsync(id, Ack, batchIndex, cancellationToken), cancellationToken);
    }

    /// <summary>Ends the stream of a connection, if it is an orchestration and has not ended.</summary>
    /// <param name="durable">The task hub.</param>
    /// <param name="connectionId">The connection.</param>
    /// <param name="why">Becomes the instance's output.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Whether there was something to end.</returns>
    public static async Task<bool> EndStreamAsync(this DurableTaskClient durable, string connectionId, string why, CancellationToken cancellationToken)
    {
        var id = StreamTarget.InstanceOf(connectionId);
        return await durable.RunsAsync(id, cancellationToken)
            && await durable.TryAsync(id, () => durable.TerminateInstanceAsync(id, why, cancellationToken), cancellationToken);
    }

    /// <summary>Does something to an instance that may end by itself at any moment.</summary>
    /// <returns>False when it had ended.</returns>
    private static async Task<bool> TryAsync(this DurableTaskClient durable, string id, Func<Task> act, CancellationToken cancellationToken)
    {
        try
        {
            await act();
            return true;
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            // The client says so with an exception of no particular type.
            if (await durable.RunsAsync(id, cancellationToken)) throw;
            return false;
        }
    }

    private static async Task<bool> RunsAsync(this DurableTaskClient durable, string id, CancellationToken cancellationToken)
        => await durable.GetInstanceAsync(id, getInputsAndOutputs: false, cancellationToken) is { IsCompleted: false };
}
