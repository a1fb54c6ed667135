using Dequeue.FunctionsHost.Tests.Durable;
using Dequeue.FunctionsHost.Workers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dequeue.FunctionsHost.Tests.Hosting;

/// <summary>The host in this process on a free port, with files of its own; the test app's worker is a child process unless told otherwise.</summary>
internal sealed class RunningHost : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("functions-host-");
    private readonly FunctionsHostServer _server;
    private bool _stopped;

    private RunningHost(Func<FunctionsHostOptions, FunctionsHostOptions>? change)
    {
        var options = new FunctionsHostOptions
        {
            AppFolder = AppContext.BaseDirectory,
            Listen = new Uri("http://127.0.0.1:0"),
            StateFolder = _folder.FullName,
            Settings = new Dictionary<string, string?> { ["Effects"] = _folder.FullName },
            Logging = logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(new Provider(Log)),
        };
        _server = new FunctionsHostServer(change?.Invoke(options) ?? options);
    }

    public Uri Address => _server.Address;

    public string StateFolder => _folder.FullName;

    public HttpClient Http { get; } = new() { Timeout = Guard.Time };

    /// <summary>What host and worker log: level, category, event id and text.</summary>
    public LogLines Log { get; } = new();

    public static async Task<RunningHost> StartAsync(Func<FunctionsHostOptions, FunctionsHostOptions>? change = null)
    {
        var host = new RunningHost(change);
        try
        {
            await host._server.StartAsync(TestContext.Current.CancellationToken);
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }

        host.Http.BaseAddress = host.Address;
        return host;
    }

    /// <summary>Sends a request; the status and the body of its answer.</summary>
    public async Task<string> SendAsync(HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        foreach (var (name, value) in headers) request.Headers.Add(name, value);
        using var response = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        return $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}".TrimEnd();
    }

    public Task<string> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<string> PostAsync(string path) => SendAsync(HttpMethod.Post, path);

    public async Task StopAsync()
    {
        _stopped = true;
        await _server.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (!_stopped) await _server.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private sealed class Provider(LogLines lines) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => new LogLines.Logger(lines, categoryName);

        public void Dispose()
        {
        }
    }
}
