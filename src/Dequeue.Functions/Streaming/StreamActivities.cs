namespace Dequeue.Functions.Streaming;

/// <summary>The steps of <see cref="StreamSync"/> that touch the world. Each may run more than once.</summary>
public sealed class StreamActivities(StreamSteps steps)
{
    /// <summary>Sends a window of batches.</summary>
    [Function(nameof(SendWindow))]
    public Task<StreamProgress> SendWindow([ActivityTrigger] StreamProgress progress, CancellationToken cancellationToken)
        => steps.SendWindowAsync(progress, cancellationToken);

    /// <summary>Sends <c>complete</c>.</summary>
    [Function(nameof(CompleteStream))]
    public Task CompleteStream([ActivityTrigger] StreamProgress progress, CancellationToken cancellationToken)
        => steps.CompleteAsync(progress, cancellationToken);

    /// <summary>Sends <c>error</c>.</summary>
    [Function(nameof(FailStream))]
    public Task FailStream([ActivityTrigger] StreamFailure failure, CancellationToken cancellationToken)
        => steps.FailAsync(failure, cancellationToken);
}
