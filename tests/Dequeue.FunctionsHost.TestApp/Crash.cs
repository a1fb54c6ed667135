using System.Diagnostics;

namespace Dequeue.Local.TestApp;

/// <summary>Kills the process, with no chance to tidy up, at the n-th point that its code reaches.</summary>
public static class Crash
{
    private static int _left = int.MaxValue;

    public static void At(int point) => _left = point;

    public static void Point(TaskOrchestrationContext context)
    {
        if (!context.IsReplaying)
        {
            Point();
        }
    }

    public static void Point()
    {
        if (Interlocked.Decrement(ref _left) == 0)
        {
            Process.GetCurrentProcess().Kill();
            Thread.CurrentThread.Join();
        }
    }
}
