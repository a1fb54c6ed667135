using System.Diagnostics;
using System.Text;
using Dequeue.Cli.Commands;
using Dequeue.Cli.Serving;
using Dequeue.EndToEnd.Tests.Operation;
using Dequeue.Functions.Configuration;
using Dequeue.Functions.Upstream;
using Dequeue.WebPubSub;

namespace Dequeue.EndToEnd.Tests.Hosting;

/// <summary>The functions in a process of their own, beside a Web PubSub that lives on when they are killed.</summary>
internal sealed class FunctionsProcess : IAsyncDisposable
{
    private const string Ready = "ready ";

    private readonly WebPubSubServer _pubSub;
    private readonly DirectoryInfo _folder;
    private readonly bool _isFirst;
    private readonly StringBuilder _errors = new();
    private Process? _process;

    private FunctionsProcess(FunctionsProcess? first = null)
    {
        _isFirst = first is null;
        _pubSub = first?._pubSub ?? new WebPubSubServer(new WebPubSubServerOptions { Port = 0 });
        _folder = first?._folder ?? Directory.CreateTempSubdirectory("dequeue-functions-");
    }

    public HttpClient Http { get; private set; } = new();

    private string App { get; init; } = "";

    // The same one each time: what the service tries again reaches the new process.
    private string Port => (Http.BaseAddress?.Port ?? 0).ToString(System.Globalization.CultureInfo.InvariantCulture);

    // One process to a task hub.
    private string State => _isFirst ? _folder.FullName : Path.Combine(_folder.FullName, "second");

    /// <summary>How often it was killed.</summary>
    public int Kills { get; private set; }

    /// <summary>Starts Web PubSub and the functions, with an empty store.</summary>
    /// <param name="app">The folder of the functions; null for those of this build.</param>
    public static async Task<FunctionsProcess> StartAsync(string? app = null)
    {
        var functions = new FunctionsProcess { App = app ?? LocalBackend.FunctionsFolder };
        await functions._pubSub.StartAsync(TestContext.Current.CancellationToken);
        await functions.StartFunctionsAsync();
        return functions;
    }

    /// <summary>Starts another process of the functions, on the same event log and the same Web PubSub, whose events the first one gets.</summary>
    public async Task<FunctionsProcess> BesideAsync()
    {
        var other = new FunctionsProcess(this) { App = App };
        await other.StartFunctionsAsync();
        return other;
    }

    /// <summary>Kills the functions as kill -9 does, and starts them anew on what they have stored.</summary>
    public async Task KillAndStartAsync()
    {
        await KillAsync();
        Kills++;
        await StartFunctionsAsync();
    }

    public async Task<HttpResponseMessage> PostAsync(string path, string user, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new("Bearer", OperationHost.Token(user));
        return await Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>Pushes small events with the ids event-0, event-1 …</summary>
    public async Task PushAsync(string user, int count)
    {
        foreach (var chunk in Enumerable.Range(0, count).Chunk(1000))
        {
            var events = chunk.Select(i => $$$"""{"id":"event-{{{i}}}","user_id":"","ts":"2026-01-01T00:00:00Z","type":"t","payload":{},"payload_version":2}""");
            using var answer = await PostAsync("/v1/sync/push", user, $$"""{"events":[{{string.Join(',', events)}}]}""");
            answer.EnsureSuccessStatusCode();
        }
    }

    public async Task<Uri> NegotiateAsync(string user)
    {
        using var answer = await PostAsync("/v1/sync/stream/negotiate", user, "");
        return new Uri((await TestUser.JsonOf(answer)).GetProperty("url").GetString()!);
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Http.Dispose();
        if (!_isFirst) return;
        await _pubSub.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private async Task StartFunctionsAsync()
    {
        string[] arguments = [typeof(CommandRunner).Assembly.Location, "host", App, "--port", Port, "--state", State];
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (key, value) in new[]
        {
            ("WebPubSubConnectionString", _pubSub.ConnectionString), ("EventLog__Storage", "sqlite:" + Path.Combine(_folder.FullName, "events.db")),
            ("AZURE_FUNCTIONS_ENVIRONMENT", "Development"), ("Auth__DevSigningKey", OperationHost.Key), ("Limits__CallsPerSecond", "2000"),
        })
        {
            start.Environment[key] = value;
        }

        var address = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);
        _process = Process.Start(start)!;
        _process.EnableRaisingEvents = true;
        _process.Exited += (_, _) => address.TrySetException(new InvalidOperationException("The functions ended: " + _errors));
        _process.OutputDataReceived += (_, line) =>
        {
            if (line.Data?.StartsWith(Ready, StringComparison.Ordinal) == true) address.TrySetResult(new Uri(line.Data[Ready.Length..]));
        };
        _process.ErrorDataReceived += (_, line) => _errors.AppendLine(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        var url = await address.Task.WaitAsync(Guard.Time, TestContext.Current.CancellationToken);
        Http.Dispose();
        Http = new HttpClient { BaseAddress = url };
        if (!_isFirst) return;
        _pubSub.SetEventHandlers(
            WebPubSubSettings.Hub,
            new WebPubSubEventHandler(new Uri(url, UpstreamFunction.Route).AbsoluteUri, systemEvents: WebPubSubSystemEvents.Connect | WebPubSubSystemEvents.Disconnected));
    }

    private async Task KillAsync()
    {
        if (_process is null) return;
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }
}
