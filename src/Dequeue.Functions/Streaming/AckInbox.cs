namespace Dequeue.Functions.Streaming;

/// <summary>The acknowledgements of a stream, as its orchestration hears them: each is an external event.</summary>
/// <remarks>
/// There is one wait at a time, and none is given up while the orchestration goes on: a wait that was given up would take the next
/// event with it. There is one timer at most, which is not set anew for each acknowledgement but looks again when it has fired: a
/// durable timer costs a stored message.
/// </remarks>
internal sealed class AckInbox(TaskOrchestrationContext context) : IDisposable
{
    private readonly CancellationTokenSource _closed = new();
    private Task<int>? _next;
    private Task? _alarm;

    /// <summary>Acknowledgements taken so far.</summary>
    public int Taken { get; private set; }

    private Task<int> Next => _next ??= context.WaitForExternalEvent<int>(StreamInstances.Ack);

    /// <summary>Takes all that have come.</summary>
    /// <returns>The progress after them.</returns>
    public StreamProgress TakeAll(StreamProgress progress)
    {
        for (; Next.IsCompleted; _next = null, Taken++) progress = progress.Acknowledge(Next.Result);
        return progress;
    }

    /// <summary>Waits for the next one.</summary>
    /// <param name="by">Until when, in the orchestration's time; never earlier than the time before.</param>
    /// <returns>False when none came.</returns>
    public async Task<bool> ArriveAsync(DateTime by)
    {
        while (!Next.IsCompleted)
        {
            _alarm ??= context.CreateTimer(by, _closed.Token);
            if (await Task.WhenAny(Next, _alarm) == Next) break;
            _alarm = null;
            if (context.CurrentUtcDateTime >= by) return false;
        }

        return true;
    }

    /// <summary>Drops the timer: an orchestration does not end while one runs.</summary>
    public void Dispose()
    {
        _closed.Cancel();
        _closed.Dispose();
    }
}
