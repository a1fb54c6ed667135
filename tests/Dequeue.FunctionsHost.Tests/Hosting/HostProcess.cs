using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;

namespace Dequeue.FunctionsHost.Tests.Hosting;

/// <summary><c>dequeue host</c> with the test app, in a process of its own that leads a process group.</summary>
internal sealed class HostProcess : IAsyncDisposable
{

    private readonly Process _process;
    private readonly StringBuilder _errors = new();

    private HostProcess(Process process) => _process = process;

    public HttpClient Http { get; } = new() { Timeout = Guard.Time };

    public int Id => _process.Id;

    public string Errors
    {
        get
        {
            lock (_errors) return _errors.ToString();
        }
    }

    private static string Program
        => typeof(HostProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "Program").Value!;

    /// <summary>Starts it and waits until its functions answer.</summary>
    /// <param name="state">Where it keeps its files; the test app's too.</param>
    public static async Task<HostProcess> StartAsync(string state)
    {
        // A shell's background job ignores Ctrl+C, and so would what it starts.
        var start = new ProcessStartInfo("env") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { "--default-signal=INT", "setsid", "dotnet", Program, "host", AppContext.BaseDirectory, "--port", "0", "--state", state }) start.ArgumentList.Add(argument);
        start.Environment["Effects"] = state;
        start.Environment["Functions__Key"] = "key"; // else it warns of a function that nobody can call
        var host = new HostProcess(Process.Start(start)!);
        host._process.ErrorDataReceived += (_, line) =>
        {
            lock (host._errors) host._errors.AppendLine(line.Data);
        };
        host._process.BeginErrorReadLine();
        try
        {
            var ready = await host._process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Guard.Time);
            host.Http.BaseAddress = ready?.StartsWith("ready ", StringComparison.Ordinal) == true
                ? new Uri(ready["ready ".Length..])
                : throw new InvalidOperationException($"No ready line but: {ready} {host.Errors}");
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }

        return host;
    }

    public Task<string> GetAsync(string path) => Http.GetStringAsync(path, TestContext.Current.CancellationToken);

    public async Task<int> WorkerIdAsync() => int.Parse(await GetAsync("/pid"), CultureInfo.InvariantCulture);

    /// <summary>Kills the host alone, as kill -9 does.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await EndAsync();
    }

    /// <summary>Sends a signal to the host (its id) or to its whole process group (its id, negative).</summary>
    public static void Signal(string signal, int to)
    {
        using var kill = Process.Start("kill", ["-s", signal, "--", to.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>Waits for its end; its exit code.</summary>
    public async Task<int> EndAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Guard.Time, TestContext.Current.CancellationToken);
        return _process.ExitCode;
    }

    /// <summary>Whether a process runs; one that is dead and was not asked after yet does not.</summary>
    public static bool Runs(int process)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{process}/stat");
            return text[text.LastIndexOf(')') + 2] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
