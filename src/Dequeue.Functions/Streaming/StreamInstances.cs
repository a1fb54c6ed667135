namespace Dequeue.Functions.Streaming;

/// <summary>The durable instances of streams, seen from outside.</summary>
internal static class StreamInstances
{
    /// <summary>Ends the stream of a connection, if it is an orchestration and has not ended.</summary>
    /// <param name="durable">The task hub.</param>
    /// <param name="connectionId">The connection.</param>
    /// <param name="why">Becomes the instance's output.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Whether there was something to end.</returns>
    public static async Task<bool> EndStreamAsync(this DurableTaskClient durable, string connectionId, string why, CancellationToken cancellationToken)
    {
        var id = StreamTarget.InstanceOf(connectionId);
        if (!await RunsAsync()) return false;
        try
        {
            await durable.TerminateInstanceAsync(id, why, cancellationToken);
            return true;
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            // It ended by itself in between: the client says so with an exception of no particular type.
            if (await RunsAsync()) throw;
            return false;
        }

        async Task<bool> RunsAsync() => await durable.GetInstanceAsync(id, getInputsAndOutputs: false, cancellationToken) is { IsCompleted: false };
    }
}
