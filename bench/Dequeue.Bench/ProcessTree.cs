using System.Diagnostics;
using System.Globalization;

namespace Dequeue.Bench;

/// <summary>A process and those that it started: the host and its worker. Reads <c>/proc</c>, so that it knows the others on Linux alone.</summary>
internal static class ProcessTree
{
    /// <summary>CPU time that they have used, in all their threads.</summary>
    /// <param name="root">The id of the process that started the others.</param>
    public static TimeSpan Cpu(int root) => new(Sum(root, process => process.TotalProcessorTime.Ticks));

    /// <summary>Memory that they have now, in bytes. What they share counts for each.</summary>
    /// <param name="root">The id of the process that started the others.</param>
    public static long Memory(int root) => Sum(root, process => process.WorkingSet64);

    /// <summary>The most memory that each of them has had, summed, in bytes.</summary>
    /// <param name="root">The id of the process that started the others.</param>
    public static long PeakMemory(int root) => Sum(root, process => process.PeakWorkingSet64);

    private static long Sum(int root, Func<Process, long> read)
    {
        var sum = 0L;
        foreach (var id in Members(root))
        {
            using var process = Process.GetProcessById(id);
            sum += read(process);
        }

        return sum;
    }

    private static List<int> Members(int root)
    {
        List<int> members = [root];
        if (!OperatingSystem.IsLinux()) return members;
        for (var i = 0; i < members.Count; i++)
        {
            foreach (var task in Directory.EnumerateDirectories($"/proc/{members[i]}/task"))
            {
                var children = File.ReadAllText(Path.Combine(task, "children"));
                members.AddRange(children.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(id => int.Parse(id, CultureInfo.InvariantCulture)));
            }
        }

        return members;
    }
}
