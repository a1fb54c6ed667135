using System.Diagnostics;

namespace Dequeue.EndToEnd.Tests.SelfHosting;

/// <summary>A program of the machine, or of Debian where it can be installed with no more than apt-get.</summary>
internal static class DebianProgram
{
    /// <summary>One apt-get at a time; another process's is waited for.</summary>
    private static readonly SemaphoreSlim Installing = new(1);

    /// <summary>Its path. Without it the test is skipped with the reason; in CI that is a failure.</summary>
    /// <param name="program">What is run.</param>
    /// <param name="package">The package that has it.</param>
    public static async Task<string> FindAsync(string program, string package)
    {
        await Installing.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            if (Find(program) is null && Environment.IsPrivilegedProcess && Find("apt-get") is { } apt)
            {
                await RunAsync(apt, "update", "-qq");
                await RunAsync(apt, "-o", "DPkg::Lock::Timeout=300", "install", "-y", "-qq", "--no-install-recommends", package);
            }
        }
        finally
        {
            Installing.Release();
        }

        if (Find(program) is { } found) return found;
        if (Environment.GetEnvironmentVariable("CI") == "true") Assert.Fail($"{program} is missing.");
        Assert.Skip($"{program} is missing, and cannot be installed here: apt-get install {package}.");
        return "";
    }

    /// <summary>The path of a program, or null when the machine has none.</summary>
    public static string? Find(string program)
        => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Concat(["/usr/sbin", "/usr/bin"])
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);

    /// <summary>Runs a program to its end.</summary>
    /// <returns>Its exit code, and all that it printed.</returns>
    public static async Task<(int Code, string Output)> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DEBIAN_FRONTEND"] = "noninteractive";
        using var process = Process.Start(start)!;
        var output = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, string.Concat(output));
    }
}
