using System.Diagnostics;
using Dequeue.Cli.Commands;

namespace Dequeue.Bench;

/// <summary>A server in a process of its own.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private readonly Process _process;

    private ServerProcess(Process process, Uri address) => (_process, Address) = (process, address);

    /// <summary>Where it answers.</summary>
    public Uri Address { get; }

    /// <summary>CPU time that it and its worker have used, in all their threads.</summary>
    public TimeSpan Cpu => ProcessTree.Cpu(_process.Id);

    /// <summary>Memory that it and its worker have now, in bytes.</summary>
    public long Memory => ProcessTree.Memory(_process.Id);

    /// <summary>The most memory that it and its worker have had, in bytes.</summary>
    public long PeakMemory => ProcessTree.PeakMemory(_process.Id);

    /// <summary>Starts a <c>dequeue</c> and waits for its <c>ready URL</c> line.</summary>
    /// <param name="arguments">Its command line.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="program">Another build of it, to compare with; null for the one that was built here.</param>
    public static Task<ServerProcess> StartAsync(IEnumerable<string> arguments, CancellationToken cancellationToken, FileInfo? program = null)
        => program is null
            ? StartAsync(new ProcessStartInfo("dotnet") { ArgumentList = { typeof(CommandRunner).Assembly.Location } }, arguments, cancellationToken)
            : StartAsync(new ProcessStartInfo(program.FullName), arguments, cancellationToken);

    /// <summary>Starts a server of this very program.</summary>
    /// <param name="arguments">Its command line.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static Task<ServerProcess> StartOwnAsync(IEnumerable<string> arguments, CancellationToken cancellationToken)
        => StartAsync(new ProcessStartInfo("dotnet") { ArgumentList = { typeof(ServerProcess).Assembly.Location } }, arguments, cancellationToken);

    private static async Task<ServerProcess> StartAsync(ProcessStartInfo start, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        start.RedirectStandardOutput = true;
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["Limits__CallsPerSecond"] = "1000000"; // it is asked by one user, as fast as it answers
        var process = Process.Start(start)!;
        while (await process.StandardOutput.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.StartsWith("ready ", StringComparison.Ordinal)) return new ServerProcess(process, new Uri(line["ready ".Length..]));
        }

        throw new InvalidOperationException("A server process ended before it was ready.");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
