namespace Dequeue.FunctionsHost.Workers;

/// <summary>Starts workers: in a process of their own, or in this one.</summary>
public interface IWorkerLauncher
{
    /// <summary>Starts a worker, which then connects to the host by itself.</summary>
    /// <param name="start">What it needs to know.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<IRunningWorker> StartAsync(WorkerStart start, CancellationToken cancellationToken);
}

/// <summary>A worker that was started.</summary>
public interface IRunningWorker : IAsyncDisposable
{
    /// <summary>Ends with the worker. The text is its last word: why it ended, in one sentence, or empty.</summary>
    Task<string> Ended { get; }
}
