using System.Collections.Concurrent;

namespace Dequeue.FunctionsHost.TestApp;

/// <summary>Things that happened, by name: a test waits for them, or makes them happen, over HTTP.</summary>
public sealed class Signals
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _all = new(StringComparer.Ordinal);

    public Task Of(string name) => Source(name).Task;

    public void Give(string name) => Source(name).TrySetResult();

    private TaskCompletionSource Source(string name)
        => _all.GetOrAdd(name, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
}
