using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Dequeue.Tests.Shared;

/// <summary>
/// Runs the scripts under tests/node with the packages that are pinned there. They are installed when they are missing; where
/// that cannot be done the test is skipped with the reason, and fails instead when the environment variable CI is "true".
/// </summary>
internal static class NodeTools
{
    private static readonly TimeSpan InstallTime = TimeSpan.FromMinutes(5);
    private static readonly Lazy<Task<string?>> Problem = new(SetUpAsync);

    /// <summary>tests/node.</summary>
    public static string Folder { get; } = Repository.File("tests", "node");

    /// <summary>Runs a script to its end and returns what it printed. A script that fails, fails the test with its errors.</summary>
    /// <param name="script">Path under tests/node.</param>
    /// <param name="arguments">Arguments of the script.</param>
    /// <param name="cancellationToken">Kills it.</param>
    /// <param name="answer">Takes its first line and gives the line that it waits for.</param>
    public static async Task<string> RunAsync(
        string script, string[] arguments, CancellationToken cancellationToken, Func<string, string>? answer = null)
    {
        try
        {
            await PackagesAsync().WaitAsync(cancellationToken);
        }
        catch (NodeUnavailableException missing)
        {
            Assert.Skip(missing.Message);
        }

        var (exitCode, output, errors) = await RunProcessAsync("node", [script, .. arguments], cancellationToken, answer);
        Assert.True(exitCode == 0, $"{script} ended with {exitCode}\n{output}\n{errors}");
        return output;
    }

    /// <summary>The folder of the installed packages.</summary>
    /// <exception cref="NodeUnavailableException">They cannot be had here, which is a reason to skip; in CI it is a failure.</exception>
    public static async Task<string> PackagesAsync()
    {
        if (await Problem.Value is not { } problem) return Path.Combine(Folder, "node_modules");
        throw Environment.GetEnvironmentVariable("CI") == "true" ? new InvalidOperationException(problem) : new NodeUnavailableException(problem);
    }

    /// <returns>Null when the scripts can run, else why not.</returns>
    private static async Task<string?> SetUpAsync()
    {
        using var timeout = new CancellationTokenSource(InstallTime);
        try
        {
            // Other test programs may want the same packages at the same time.
            await using var turn = await TakeTurnAsync(timeout.Token);
            if (IsInstalled()) return null;
            var npm = OperatingSystem.IsWindows() ? "npm.cmd" : "npm";
            var (exitCode, _, errors) = await RunProcessAsync(npm, ["ci", "--silent"], timeout.Token);
            return exitCode == 0 ? null : $"npm ci failed in tests/node: {errors}";
        }
        catch (OperationCanceledException)
        {
            return "npm ci in tests/node took too long.";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "Node.js is not installed.";
        }
    }

    private static bool IsInstalled()
    {
        var wanted = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "package.json")))!["dependencies"]!.AsObject();
        return wanted.All(package =>
        {
            var manifest = Path.Combine(Folder, "node_modules", package.Key, "package.json");
            return File.Exists(manifest) && (string?)JsonNode.Parse(File.ReadAllText(manifest))!["version"] == (string?)package.Value;
        });
    }

    private static async Task<FileStream> TakeTurnAsync(CancellationToken cancellationToken)
    {
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Folder)))[..16];
        while (true)
        {
            try
            {
                return new FileStream(
                    Path.Combine(Path.GetTempPath(), $"dequeue-npm-{name}.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), cancellationToken);
            }
        }
    }

    private static async Task<(int ExitCode, string Output, string Errors)> RunProcessAsync(
        string program, string[] arguments, CancellationToken cancellationToken, Func<string, string>? answer = null)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        })!;
        try
        {
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            if (answer is not null && await process.StandardOutput.ReadLineAsync(cancellationToken) is { } line)
            {
                await process.StandardInput.WriteLineAsync(answer(line).AsMemory(), cancellationToken);
            }

            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return (process.ExitCode, await output, await errors);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }
}

/// <summary>There is no Node here, or its packages cannot be installed.</summary>
internal sealed class NodeUnavailableException(string message) : Exception(message);
