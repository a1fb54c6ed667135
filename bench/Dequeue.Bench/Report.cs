using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Dequeue.Bench;

/// <summary>A benchmark's report: Markdown, with the machine, the date and the command that made it.</summary>
internal static class Report
{
    /// <summary>Prints the report, and writes it to <c>NAME.md</c> in a folder when there is one.</summary>
    public static async Task<int> WriteAsync(string name, DirectoryInfo? folder, Task<string> measuring)
    {
        var body = await measuring;
        var text = new StringBuilder()
            .Append(body).AppendLine()
            .AppendLine(CultureInfo.InvariantCulture, $"Machine: {Environment.ProcessorCount} cores, {RuntimeInformation.OSDescription}, .NET {Environment.Version}. "
                + $"Date: {TimeProvider.System.GetUtcNow():yyyy-MM-dd}. Command: `Dequeue.Bench {string.Join(' ', Environment.GetCommandLineArgs().Skip(1))}`.")
            .ToString();
        Console.Write(text);
        if (folder is not null) await File.WriteAllTextAsync(Path.Combine(folder.FullName, name + ".md"), text);
        return 0;
    }
}
