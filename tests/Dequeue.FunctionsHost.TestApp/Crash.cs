using System.Diagnostics;
using System.Globalization;

namespace Dequeue.FunctionsHost.TestApp;

/// <summary>Kills the host and then its worker, with no chance to tidy up, at the n-th point that the worker's code reaches.</summary>
public static class Crash
{
    private static int _left = int.MaxValue;

    public static void At(int point) => Volatile.Write(ref _left, point);

    public static void Point(TaskOrchestrationContext context)
    {
        if (!context.IsReplaying) Point();
    }

    public static void Point()
    {
        if (Interlocked.Decrement(ref _left) == 0) Now();
    }

    private static void Now()
    {
        using var host = Process.GetProcessById(ParentId());
        host.Kill();
        Process.GetCurrentProcess().Kill();
        Thread.CurrentThread.Join();
    }

    // /proc/self/stat: id, name in brackets, state, parent's id.
    private static int ParentId()
    {
        var text = File.ReadAllText("/proc/self/stat");
        return int.Parse(text[(text.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
    }
}
