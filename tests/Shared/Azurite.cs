using System.Diagnostics;
using Dequeue.Tests.Shared;

[assembly: AssemblyFixture(typeof(Azurite))]

namespace Dequeue.Tests.Shared;

/// <summary>One real Azurite table server for the whole run, in memory, on a free port, started when it is first asked for.</summary>
public sealed class Azurite : IAsyncDisposable
{
    /// <summary>Prints the port that was really taken, and ends the server together with this process.</summary>
    private const string Preload = """
        data:text/javascript,import net from "node:net";
        const listen = net.Server.prototype.listen;
        net.Server.prototype.listen = function (...args) {
          this.once("listening", () => console.log("port " + this.address().port));
          return listen.apply(this, args);
        };
        process.stdin.on("end", () => process.exit()).resume();
        """;

    private readonly Lazy<Task<string>> _connectionString;
    private Process? _server;

    public Azurite() => _connectionString = new Lazy<Task<string>>(StartAsync);

    /// <summary>How to reach it; starts it if need be.</summary>
    /// <exception cref="NodeUnavailableException">Node or its packages cannot be had here.</exception>
    public Task<string> ConnectionStringAsync() => _connectionString.Value;

    public async ValueTask DisposeAsync()
    {
        if (_server is null) return;
        _server.Kill();
        await _server.WaitForExitAsync();
        _server.Dispose();
    }

    private async Task<string> StartAsync()
    {
        var packages = await NodeTools.PackagesAsync();
        var start = new ProcessStartInfo("node")
        {
            WorkingDirectory = Path.GetTempPath(),
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        string[] arguments =
        [
            "--import", Preload.ReplaceLineEndings(" "), Path.Combine(packages, "azurite/dist/src/table/main.js"),
            "--tableHost", "127.0.0.1", "--tablePort", "0", "--silent", "--skipApiVersionCheck", "--inMemoryPersistence", "--disableTelemetry",
        ];
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        _server = Process.Start(start)!;
        string? port = null;
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await _server.StandardOutput.ReadLineAsync(timeout.Token) is { } line)
        {
            if (line.StartsWith("port ", StringComparison.Ordinal)) port = line[5..];
            if (port is null || !line.Contains("successfully started", StringComparison.Ordinal)) continue;

            // The account and key that every Azurite has: they are public.
            return "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
                + $"TableEndpoint=http://127.0.0.1:{port}/devstoreaccount1;";
        }

        throw new InvalidOperationException("Azurite ended before it was ready.");
    }
}
