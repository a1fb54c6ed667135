using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace Dequeue.EndToEnd.Tests.SelfHosting;

/// <summary>nginx or Caddy with the configuration of docs/self-hosting.md: ports, certificate and folders are the test's, nothing else.</summary>
internal sealed class ReverseProxy : IAsyncDisposable
{
    /// <summary>On a machine that is busy with other tests.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(1);

    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private ReverseProxy(Process process, string folder)
    {
        (_process, Folder) = (process, folder);
        process.OutputDataReceived += Heard;
        process.ErrorDataReceived += Heard;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();

        void Heard(object sender, DataReceivedEventArgs line)
        {
            lock (_output) _output.AppendLine(line.Data);
        }
    }

    /// <summary>Where its logs are.</summary>
    public string Folder { get; }

    /// <summary>Everything that it has written: to its output, and into its logs.</summary>
    public string Written
    {
        get
        {
            var logs = string.Concat(Directory.EnumerateFiles(Folder, "*.log").Select(File.ReadAllText));
            lock (_output) return logs + _output;
        }
    }

    /// <summary>A port that was free a moment ago.</summary>
    public static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Any, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    /// <summary>Starts nginx.</summary>
    /// <param name="address">Where it listens.</param>
    /// <param name="server">The server behind it.</param>
    /// <param name="certificate">Its certificate.</param>
    /// <param name="folder">Where its files go.</param>
    /// <param name="edit">What is changed besides.</param>
    public static async Task<ReverseProxy> NginxAsync(IPEndPoint address, Uri server, SelfSigned certificate, string folder, Func<string, string>? edit = null)
    {
        var program = await DebianProgram.FindAsync("nginx", "nginx-light");
        Directory.CreateDirectory(folder);
        var site = Edit(
            DocumentBlock("nginx"), ("listen 443 ", $"listen {address} "), ("server 127.0.0.1:7071;", $"server {server.Authority};"), ("/var/log/nginx/", folder + "/"),
            ("/etc/letsencrypt/live/sync.example/fullchain.pem", certificate.File), ("/etc/letsencrypt/live/sync.example/privkey.pem", certificate.KeyFile));
        await File.WriteAllTextAsync(Path.Combine(folder, "site.conf"), edit is null ? site : edit(site));
        var paths = string.Concat(new[] { "client_body", "proxy", "fastcgi", "uwsgi", "scgi" }.Select(name => $"  {name}_temp_path {folder}/{name};\n"));
        var main = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(
            main,
            $"{(Environment.IsPrivilegedProcess ? "user root;\n" : "")}daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/main-error.log;\nevents {{}}\nhttp {{\n{paths}  include {folder}/site.conf;\n}}\n");
        return await StartAsync(program, ["-c", main, "-p", folder], address, folder);
    }

    /// <summary>Starts Caddy.</summary>
    /// <param name="address">Where it listens.</param>
    /// <param name="server">The server behind it.</param>
    /// <param name="certificate">Its certificate, in the place of the one that it would fetch.</param>
    /// <param name="folder">Where its files go.</param>
    public static async Task<ReverseProxy> CaddyAsync(IPEndPoint address, Uri server, SelfSigned certificate, string folder)
    {
        var program = await DebianProgram.FindAsync("caddy", "caddy");
        Directory.CreateDirectory(folder);
        var file = Edit(
            DocumentBlock("caddyfile"), ("\nsync.example {\n", $"\nhttps://{address} {{\n\ttls {certificate.File} {certificate.KeyFile}\n"),
            ("reverse_proxy 127.0.0.1:7071", $"reverse_proxy {server.Authority}"), ("{\n\t# The token", "{\n\tadmin off\n\tauto_https disable_redirects\n\t# The token"));
        var path = Path.Combine(folder, "Caddyfile");
        await File.WriteAllTextAsync(path, file);
        return await StartAsync(program, ["run", "--config", path, "--adapter", "caddyfile"], address, folder);
    }

    /// <summary>The example of docs/self-hosting.md in a language.</summary>
    public static string DocumentBlock(string language)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Dequeue.Functions.sln"))) folder = folder.Parent!;
        var text = File.ReadAllText(Path.Combine(folder.FullName, "docs", "self-hosting.md"));
        return Assert.Single(Regex.Matches(text, $"^```{language}\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)).Groups[1].Value;
    }

    /// <summary>Replaces what must be there.</summary>
    public static string Edit(string text, params (string Old, string New)[] changes)
    {
        foreach (var (old, replacement) in changes)
        {
            Assert.Contains(old, text, StringComparison.Ordinal);
            text = text.Replace(old, replacement, StringComparison.Ordinal);
        }

        return text;
    }

    /// <summary>Ends it; then its logs are whole.</summary>
    public async Task StopAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _process.Dispose();
    }

    private static async Task<ReverseProxy> StartAsync(string program, string[] arguments, IPEndPoint address, string folder)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["HOME"] = start.Environment["XDG_DATA_HOME"] = start.Environment["XDG_CONFIG_HOME"] = folder;
        var proxy = new ReverseProxy(Process.Start(start)!, folder);
        using var patience = new CancellationTokenSource(StartPatience);
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (true)
        {
            using var probe = new TcpClient();
            try
            {
                await probe.ConnectAsync(address, patience.Token);
                return proxy;
            }
            catch (SocketException)
            {
                if (proxy._process.HasExited) throw new InvalidOperationException($"{program} ended: {proxy.Written}");
                await tick.WaitForNextTickAsync(patience.Token);
            }
        }
    }
}
