using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Dequeue.Tests.Shared;

[assembly: AssemblyFixture(typeof(Azurite))]

namespace Dequeue.Tests.Shared;

/// <summary>Real Azurite servers for the whole run, in memory, on free ports, each started when it is first asked for.</summary>
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

    /// <summary>The account and key that every Azurite has: they are public.</summary>
    private const string Account = "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
        + "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;";

    private readonly ConcurrentBag<Process> _servers = [];
    private readonly Lazy<Task<string>> _tables, _blobs, _secureBlobs;

    public Azurite()
    {
        _tables = new(() => StartAsync("table"));
        _blobs = new(() => StartAsync("blob"));
        _secureBlobs = new(StartSecureAsync);
    }

    /// <summary>How to reach the table server.</summary>
    /// <exception cref="NodeUnavailableException">Node or its packages cannot be had here.</exception>
    public async Task<string> ConnectionStringAsync() => $"{Account}TableEndpoint=http://127.0.0.1:{await _tables.Value}/devstoreaccount1;";

    /// <summary>How to reach the blob server.</summary>
    /// <exception cref="NodeUnavailableException">Node or its packages cannot be had here.</exception>
    public async Task<string> BlobConnectionStringAsync() => $"{Account}BlobEndpoint=http://127.0.0.1:{await _blobs.Value}/devstoreaccount1;";

    /// <summary>The endpoint of a blob server that takes Entra's tokens, unchecked, over TLS with a certificate of its own.</summary>
    /// <exception cref="NodeUnavailableException">Node or its packages cannot be had here.</exception>
    public async Task<Uri> SecureBlobEndpointAsync() => new($"https://127.0.0.1:{await _secureBlobs.Value}/devstoreaccount1");

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
        {
            server.Kill();
            await server.WaitForExitAsync();
            server.Dispose();
        }
    }

    private async Task<string> StartSecureAsync()
    {
        var folder = Directory.CreateTempSubdirectory("dequeue-azurite-");
        try
        {
            using var key = RSA.Create(2048);
            var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
            var (cert, pem) = (Path.Combine(folder.FullName, "cert.pem"), Path.Combine(folder.FullName, "key.pem"));
            await File.WriteAllTextAsync(cert, certificate.ExportCertificatePem());
            await File.WriteAllTextAsync(pem, key.ExportPkcs8PrivateKeyPem());
            return await StartAsync("blob", "--cert", cert, "--key", pem, "--oauth", "basic");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <returns>The port.</returns>
    private async Task<string> StartAsync(string service, params string[] more)
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
            "--import", Preload.ReplaceLineEndings(" "), Path.Combine(packages, $"azurite/dist/src/{service}/main.js"),
            $"--{service}Host", "127.0.0.1", $"--{service}Port", "0", "--silent", "--skipApiVersionCheck", "--inMemoryPersistence", "--disableTelemetry", .. more,
        ];
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        var server = Process.Start(start)!;
        _servers.Add(server);
        string? port = null;
        using var timeout = new CancellationTokenSource(Guard.Time);
        while (await server.StandardOutput.ReadLineAsync(timeout.Token) is { } line)
        {
            if (line.StartsWith("port ", StringComparison.Ordinal)) port = line[5..];
            if (port is not null && line.Contains("successfully ", StringComparison.Ordinal)) return port;
        }

        throw new InvalidOperationException("Azurite ended before it was ready.");
    }
}
