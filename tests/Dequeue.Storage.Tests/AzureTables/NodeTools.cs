using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace Dequeue.Storage.Tests.AzureTables;

/// <summary>The pinned Node packages under tests/node, installed when they are first needed.</summary>
internal static class NodeTools
{
    /// <summary>The folder of the packages.</summary>
    /// <exception cref="UnavailableException">There is no Node here, or the packages cannot be installed.</exception>
    public static async Task<string> PackagesAsync()
    {
        var folder = Path.Combine(Root(), "tests", "node");
        var packages = Path.Combine(folder, "node_modules");
        var turn = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(folder)))[..16];
        using (await LockAsync(Path.Combine(Path.GetTempPath(), $"dequeue-npm-{turn}.lock")))
        {
            // npm writes this file last.
            if (!File.Exists(Path.Combine(packages, ".package-lock.json"))) await RunAsync("npm", ["ci", "--silent"], folder);
        }

        await RunAsync("node", ["--version"], folder);
        return packages;
    }

    private static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Dequeue.Functions.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException("The tests do not run inside the repository.");
    }

    private static async Task<FileStream> LockAsync(string path)
    {
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                // Another test project is installing.
                await Task.Delay(200);
            }
        }
    }

    private static async Task RunAsync(string program, string[] arguments, string folder)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true })!;
            using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(5));
            await process.WaitForExitAsync(timeout.Token);
            if (process.ExitCode != 0) throw new UnavailableException($"{program} {string.Join(' ', arguments)} failed with {process.ExitCode}.");
        }
        catch (Win32Exception)
        {
            throw new UnavailableException($"{program} is not installed.");
        }
    }

    /// <summary>What a test needs cannot be had here.</summary>
    public sealed class UnavailableException(string message) : Exception(message);
}
