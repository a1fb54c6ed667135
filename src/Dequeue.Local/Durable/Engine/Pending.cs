namespace Dequeue.Local.Durable.Engine;

/// <summary>Something the code waits for.</summary>
internal interface IPending
{
    bool IsOver { get; }

    void Complete(string? payload);

    void Fail(TaskFailureDetails failure);
}

/// <summary>A task that ends on the orchestrator's thread, by what is in history.</summary>
internal sealed class Pending<T>(Func<string?, T> read, Func<TaskFailureDetails, Exception>? failed = null) : IPending
{
    private readonly TaskCompletionSource<T> _task = new();

    public Task<T> Task => _task.Task;

    public bool IsOver => _task.Task.IsCompleted;

    public void Complete(string? payload)
    {
        T value;
        try
        {
            value = read(payload);
        }
        catch (Exception exception)
        {
            _task.TrySetException(exception);
            return;
        }

        _task.TrySetResult(value);
    }

    public void Fail(TaskFailureDetails failure) => _task.TrySetException(failed!(failure));

    public void Cancel(CancellationToken cancellationToken) => _task.TrySetCanceled(cancellationToken);
}
