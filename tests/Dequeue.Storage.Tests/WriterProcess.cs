using System.Diagnostics;

namespace Dequeue.Storage.Tests;

/// <summary>Another process that appends to a log, and what was acknowledged to it.</summary>
internal sealed class WriterProcess : IDisposable
{
    private readonly Process _process;

    public WriterProcess(string setting, string table, string user, string prefix, int writers, int pushes)
    {
        string[] arguments = [Path.Combine(AppContext.BaseDirectory, "Dequeue.Storage.TestWriter.dll"), setting, table, user, prefix, $"{writers}", $"{pushes}"];
        _process = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
    }

    /// <summary>The ids that were acknowledged, as far as they were read.</summary>
    public List<string> Acknowledged { get; } = [];

    /// <summary>Reads until so many pushes were acknowledged, then kills the process (SIGKILL) and reads what it still said.</summary>
    public async Task KillAfterAsync(int pushes, CancellationToken cancellationToken)
    {
        for (var i = 0; i < pushes && await ReadAsync(cancellationToken); i++)
        {
        }

        _process.Kill();
        while (await ReadAsync(cancellationToken))
        {
        }

        await _process.WaitForExitAsync(cancellationToken);
    }

    /// <summary>Reads until the process is done.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var errors = _process.StandardError.ReadToEndAsync(cancellationToken);
        while (await ReadAsync(cancellationToken))
        {
        }

        await _process.WaitForExitAsync(cancellationToken);
        Assert.True(_process.ExitCode == 0, await errors);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }

    private async Task<bool> ReadAsync(CancellationToken cancellationToken)
    {
        // A line without its end was cut by the kill: the push was acknowledged all the same, its last id may be incomplete.
        if (await _process.StandardOutput.ReadLineAsync(cancellationToken) is not { } line) return false;
        Acknowledged.AddRange(line.Split(' '));
        return true;
    }
}
