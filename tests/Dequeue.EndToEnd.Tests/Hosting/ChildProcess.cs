using System.Diagnostics;
using System.Text;
using Dequeue.Cli.Commands;

namespace Dequeue.EndToEnd.Tests.Hosting;

/// <summary>The <c>dequeue</c> program in a process of its own.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _errors = new();

    private ChildProcess(Process process) => _process = process;

    public int Id => _process.Id;

    public string Errors
    {
        get
        {
            lock (_errors) return _errors.ToString();
        }
    }

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>Starts it.</summary>
    public static ChildProcess Start(params string[] arguments) => Start(new Dictionary<string, string>(), arguments);

    /// <summary>Starts it, with something in its environment.</summary>
    public static ChildProcess Start(IReadOnlyDictionary<string, string> environment, string[] arguments) => Start(environment, [], arguments);

    /// <summary>Starts it, behind a command that runs it elsewhere.</summary>
    public static ChildProcess Start(IReadOnlyDictionary<string, string> environment, string[] prefix, string[] arguments)
    {
        // What was started in the background of a script ignores interrupts, and so would its children.
        string[] signals = OperatingSystem.IsLinux() ? ["env", "--default-signal=INT"] : [];
        return StartProgram(environment, [.. prefix, .. signals, "dotnet", typeof(CommandRunner).Assembly.Location, .. arguments]);
    }

    /// <summary>Starts another than the one that was built here.</summary>
    /// <param name="environment">What is in its environment besides ours.</param>
    /// <param name="command">The program and its arguments.</param>
    public static ChildProcess StartProgram(IReadOnlyDictionary<string, string> environment, params string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["NO_COLOR"] = "1";
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return Start(start);
    }

    private static ChildProcess Start(ProcessStartInfo start)
    {
        var child = new ChildProcess(Process.Start(start)!);
        child._process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null) return;
            lock (child._errors) child._errors.AppendLine(line.Data);
        };
        child._process.BeginErrorReadLine();
        return child;
    }

    /// <summary>Runs it to its end.</summary>
    public static Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments) => RunAsync(new Dictionary<string, string>(), arguments);

    /// <summary>Runs it to its end, with something in its environment.</summary>
    public static Task<(int Code, string Output, string Errors)> RunAsync(IReadOnlyDictionary<string, string> environment, params string[] arguments)
        => RunAsync(environment, [], arguments);

    /// <summary>Runs it to its end, behind a command that runs it elsewhere.</summary>
    public static async Task<(int Code, string Output, string Errors)> RunAsync(IReadOnlyDictionary<string, string> environment, string[] prefix, string[] arguments)
    {
        await using var child = Start(environment, prefix, arguments);
        var output = await child._process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await child._process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (child._process.ExitCode, output, child.Errors);
    }

    /// <summary>A server; waits for its ready line.</summary>
    public static Task<(ChildProcess Server, Uri Address)> ServeAsync(string data, params string[] more) => ServeAsync(new Dictionary<string, string>(), data, more);

    /// <summary>A server with something in its environment.</summary>
    public static async Task<(ChildProcess Server, Uri Address)> ServeAsync(IReadOnlyDictionary<string, string> environment, string data, params string[] more)
    {
        var server = Start(environment, ["serve", "--port", "0", "--pubsub-port", "0", "--data", data, .. more]);
        return (server, await server.ReadyAsync());
    }

    /// <summary>A server whose files may have so many kilobytes each; a write beyond fails, as on a disk without room.</summary>
    public static async Task<(ChildProcess Server, Uri Address)> ServeWithFilesOfAsync(int kilobytes, string data)
    {
        // The runtime maps its code by way of a large file.
        var server = StartProgram(
            new Dictionary<string, string> { ["DOTNET_EnableWriteXorExecute"] = "0" },
            "bash", "-c", $"trap '' XFSZ; ulimit -f {kilobytes}; exec dotnet \"$@\"", "bash", typeof(CommandRunner).Assembly.Location, "serve", "--port", "0", "--pubsub-port", "0", "--data", data);
        return (server, await server.ReadyAsync());
    }

    /// <summary>Waits for a server's ready line, and gives the address in it.</summary>
    public async Task<Uri> ReadyAsync()
    {
        var line = await _process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        return line?.StartsWith("ready http", StringComparison.Ordinal) == true
            ? new Uri(line["ready ".Length..])
            : throw new InvalidOperationException($"No ready line but: {line} {Errors}");
    }

    /// <summary>Waits until it ends by itself, and gives its exit code.</summary>
    public async Task<int> EndAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Guard.Time, TestContext.Current.CancellationToken);
        return _process.ExitCode;
    }

    /// <summary>Waits for a line on stderr.</summary>
    public async Task WaitForErrorLineAsync(string part)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(Guard.Time);
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!Errors.Contains(part, StringComparison.Ordinal))
        {
            if (!await tick.WaitForNextTickAsync(timeout.Token)) return;
        }
    }

    /// <summary>The next lines of its output.</summary>
    public async Task<List<string>> ReadLinesAsync(int count)
    {
        var lines = new List<string>();
        while (lines.Count < count)
            lines.Add(await _process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Guard.Time) ?? throw new EndOfStreamException(Errors));
        return lines;
    }

    /// <summary>The next line of its output that has a part.</summary>
    public async Task<string> ReadLineWithAsync(string part)
    {
        while (true)
        {
            if ((await ReadLinesAsync(1))[0] is var line && line.Contains(part, StringComparison.Ordinal)) return line;
        }
    }

    /// <summary>The processes that it has started.</summary>
    public IReadOnlyList<int> Children()
        => [.. Directory.GetDirectories($"/proc/{Id}/task").SelectMany(thread => File.ReadAllText(Path.Combine(thread, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(int.Parse)];

    /// <summary>Interrupts it as Ctrl+C does, and others with it, and gives its exit code.</summary>
    public async Task<int> InterruptAsync(TimeSpan within, params IReadOnlyList<int> others)
    {
        using var kill = Process.Start("kill", ["-INT", .. others.Prepend(Id).Select(static id => id.ToString(System.Globalization.CultureInfo.InvariantCulture))]);
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(within, TestContext.Current.CancellationToken);
        return _process.ExitCode;
    }

    /// <summary>Kills it as kill -9 does.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Asks it to stop, as an init system does, and gives its exit code.</summary>
    public async Task<int> TerminateAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Guard.Time, TestContext.Current.CancellationToken);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
