using System.Diagnostics;

namespace Dequeue.Site.Tests;

/// <summary>The machine's Chromium. Debian's, rather than one that Playwright would download from elsewhere.</summary>
internal static class Chromium
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

    /// <summary>Quiet, and without calls home.</summary>
    public static readonly string[] Arguments =
        ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];

    /// <summary>Finds it, or installs it where that needs no more than apt-get.</summary>
    /// <returns>Its path; null when it cannot be had.</returns>
    public static async Task<string?> FindAsync()
    {
        if (Find() is { } found) return found;
        if (!Environment.IsPrivilegedProcess || Find("apt-get") is not { } apt) return null;
        await RunAsync(apt, "update", "-qq");
        await RunAsync(apt, "install", "-y", "-qq", "--no-install-recommends", "chromium");
        return Find();
    }

    private static string? Find() => Names.Select(Find).FirstOrDefault(path => path is not null);

    private static string? Find(string program)
        => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);

    private static async Task RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DEBIAN_FRONTEND"] = "noninteractive";
        using var process = Process.Start(start)!;
        await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync(), process.WaitForExitAsync());
    }
}
