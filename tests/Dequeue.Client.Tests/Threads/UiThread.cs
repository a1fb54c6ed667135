using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Dequeue.Client.Tests.Threads;

/// <summary>A thread with a message loop, as an app's UI has one, that knows how long its longest message took.</summary>
internal sealed class UiThread : SynchronizationContext, IDisposable
{
    private readonly BlockingCollection<(SendOrPostCallback Call, object? State)> _messages = [];
    private readonly Thread _thread;

    public UiThread()
    {
        _thread = new Thread(Loop) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>The longest that one message kept the thread, at work or waiting; not the time that it waited for its turn on a processor
    /// (where the system tells it) or for the garbage collector: that is other threads' work.</summary>
    public TimeSpan LongestBlock { get; private set; }

    public override void Post(SendOrPostCallback d, object? state) => _messages.Add((d, state));

    /// <summary>Runs work that begins on the thread, and comes back to it after each await.</summary>
    public Task<T> RunAsync<T>(Func<Task<T>> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(
            async _ =>
            {
                try
                {
                    var result = await work();
                    // The message of its last piece has ended, and is measured.
                    await Task.Yield();
                    done.SetResult(result);
                }
#pragma warning disable CA1031 // Handed to who waits.
                catch (Exception e)
#pragma warning restore CA1031
                {
                    done.SetException(e);
                }
            },
            null);
        return done.Task;
    }

    public void Dispose()
    {
        _messages.CompleteAdding();
        _thread.Join();
        _messages.Dispose();
    }

    private void Loop()
    {
        SetSynchronizationContext(this);
        foreach (var (call, state) in _messages.GetConsumingEnumerable())
        {
            var (began, queued) = (Stopwatch.GetTimestamp(), Elsewhere());
            call(state);
            var took = Stopwatch.GetElapsedTime(began) - (Elsewhere() - queued);
            if (took > LongestBlock) LongestBlock = took;
        }
    }

    private static TimeSpan Elsewhere()
    {
        const string Path = "/proc/thread-self/schedstat";
        var queued = File.Exists(Path) ? long.Parse(File.ReadAllText(Path).Split(' ')[1], CultureInfo.InvariantCulture) / 100 : 0;
        return TimeSpan.FromTicks(queued) + GC.GetTotalPauseDuration();
    }
}
