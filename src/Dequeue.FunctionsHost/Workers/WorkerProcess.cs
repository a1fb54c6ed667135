using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Dequeue.FunctionsHost.Workers;

/// <summary>Starts the worker as a child process. It ends with this process, however that ends.</summary>
/// <param name="executable">The program, <c>dotnet</c> for most.</param>
/// <param name="arguments">What comes before the worker's own arguments: the app's assembly for most.</param>
/// <param name="logger">Where the worker's output goes.</param>
public sealed partial class WorkerProcess(string executable, IReadOnlyList<string> arguments, ILogger logger) : IWorkerLauncher
{
    private const string ConfigFile = "worker.config.json";

    /// <summary>Lines of a worker's stderr that are kept to tell why it ended.</summary>
    private const int KeptLines = 20;

    /// <summary>How a worker that knows this host begins the sentence that says why it ends.</summary>
    private const string ErrorPrefix = "Error: ";

    /// <summary>The worker that a published app's <c>worker.config.json</c> describes.</summary>
    /// <exception cref="FunctionsHostException">The folder holds no isolated .NET app.</exception>
    public static WorkerProcess Of(string appFolder, ILogger logger)
    {
        var file = Path.Combine(appFolder, ConfigFile);
        try
        {
            using var config = JsonDocument.Parse(File.ReadAllBytes(file));
            var description = config.RootElement.GetProperty("description");
            var path = description.GetProperty("defaultWorkerPath").GetString()!;
            var program = description.TryGetProperty("defaultExecutablePath", out var named) && named.GetString() is { Length: > 0 } given ? given : "dotnet";
            var worker = Path.Combine(appFolder, path);
            return program == "dotnet" ? new WorkerProcess(program, [worker], logger) : new WorkerProcess(Path.Combine(appFolder, program), [], logger);
        }
        catch (Exception failure) when (failure is IOException or JsonException or KeyNotFoundException or InvalidOperationException or ArgumentException)
        {
            throw new FunctionsHostException($"{file} cannot be read: is {appFolder} the folder of a published isolated worker app?", failure);
        }
    }

    /// <inheritdoc/>
    public Task<IRunningWorker> StartAsync(WorkerStart start, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(start);
        var info = new ProcessStartInfo(executable)
        {
            WorkingDirectory = start.AppFolder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in arguments.Concat(start.Arguments)) info.ArgumentList.Add(argument);
        foreach (var (name, value) in start.Environment) info.Environment[name] = value;
        info.Environment["DOTNET_STARTUP_HOOKS"] = string.Join(
            Path.PathSeparator, new[] { typeof(StartupHook).Assembly.Location, Environment.GetEnvironmentVariable("DOTNET_STARTUP_HOOKS") }.Where(hook => !string.IsNullOrEmpty(hook)));
        try
        {
            return Task.FromResult<IRunningWorker>(new Child(Process.Start(info)!, logger));
        }
        catch (System.ComponentModel.Win32Exception failure)
        {
            throw new FunctionsHostException($"The worker could not be started: {executable}: {failure.Message}", failure);
        }
    }

    private sealed partial class Child : IRunningWorker
    {
        private readonly Process _process;
        private readonly ILogger _logger;
        private readonly ConcurrentQueue<string> _errors = new();

        public Child(Process process, ILogger logger)
        {
            (_process, _logger) = (process, logger);
            process.OutputDataReceived += (_, line) =>
            {
                if (line.Data is { Length: > 0 } text) LogOutput(text);
            };
            process.ErrorDataReceived += (_, line) => Heard(line.Data);
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            Ended = EndAsync();
        }

        public Task<string> Ended { get; }

        public async ValueTask DisposeAsync()
        {
            if (!Ended.IsCompleted) _process.Kill(entireProcessTree: true);
            await Ended;
            _process.Dispose();
        }

        private async Task<string> EndAsync()
        {
            await _process.WaitForExitAsync();
            var said = _errors.ToArray();
            var why = said.LastOrDefault(line => line.StartsWith(ErrorPrefix, StringComparison.Ordinal))?[ErrorPrefix.Length..]
                ?? said.FirstOrDefault(line => line.StartsWith("Unhandled exception", StringComparison.Ordinal));
            return why ?? said.LastOrDefault() ?? $"it ended with exit code {_process.ExitCode}.";
        }

        private void Heard(string? line)
        {
            if (string.IsNullOrWhiteSpace(line)) return;
            _errors.Enqueue(line);
            while (_errors.Count > KeptLines) _errors.TryDequeue(out _);
            LogError(line);
        }

        [LoggerMessage(1120, LogLevel.Information, "Worker: {Line}")]
        private partial void LogOutput(string line);

        [LoggerMessage(1121, LogLevel.Warning, "Worker: {Line}")]
        private partial void LogError(string line);
    }
}
