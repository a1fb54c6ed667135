using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using Dequeue.Cli.Serving;
using Dequeue.Contracts;
using Dequeue.Functions;
using Dequeue.Functions.Auth;
using Dequeue.Functions.Configuration;
using Dequeue.Functions.Upstream;
using Dequeue.FunctionsHost;
using Dequeue.Sync.Log;
using Dequeue.Tests.Shared;
using Dequeue.WebPubSub;
using Grpc.Net.Client;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Client.Grpc;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.EndToEnd.Tests.Operation;

/// <summary>A backend whose inside a test may look at: its services, its durable client, its log lines.</summary>
internal sealed class OperationHost : IAsyncDisposable
{
    public const string Key = "0123456789abcdef0123456789abcdef";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("dequeue-operation-");
    private readonly WebPubSubServer _pubSub = new(new WebPubSubServerOptions { Port = 0 });
    private FunctionsHostServer _host = null!;
    private InProcessWorker _worker = null!;
    private GrpcChannel _taskHub = null!;

    public Uri Address { get; private set; } = new("about:blank");

    public HttpClient Http { get; } = new();

    public LineRecorder Lines { get; } = new();

    /// <summary>The services of the functions: their worker runs in this process.</summary>
    public IServiceProvider Services => _worker.Services;

    /// <summary>The official client of the task hub.</summary>
    public DurableTaskClient Durable { get; private set; } = null!;

    /// <summary>Starts one. Settings that are null are left out.</summary>
    public static async Task<OperationHost> StartAsync(params (string Key, string? Value)[] settings)
    {
        var host = new OperationHost();
        await host._pubSub.StartAsync(TestContext.Current.CancellationToken);
        var all = new Dictionary<string, string?>
        {
            ["WebPubSubConnectionString"] = host._pubSub.ConnectionString,
            ["EventLog:Storage"] = "sqlite:" + Path.Combine(host._folder.FullName, "events.db"),
            ["AZURE_FUNCTIONS_ENVIRONMENT"] = "Development",
            ["Auth:DevSigningKey"] = Key,
            ["Limits:CallsPerSecond"] = "2000",
        };
        foreach (var (key, value) in settings)
        {
            if (value is null) all.Remove(key);
            else all[key] = value;
        }

        host._worker = new InProcessWorker(
            typeof(SyncBackend).Assembly,
            SyncBackend.CreateBuilder,
            builder => builder.Logging.AddProvider(host.Lines).SetMinimumLevel(LogLevel.Debug).AddFilter("Microsoft", LogLevel.Warning)
                .AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Error)); // a worker in the test's process is given its port
        host._host = new FunctionsHostServer(new FunctionsHostOptions
        {
            AppFolder = LocalBackend.FunctionsFolder,
            Worker = host._worker,
            Listen = new Uri("http://127.0.0.1:0"),
            StateFolder = host._folder.FullName,
            Settings = all,
        });
        await host._host.StartAsync(TestContext.Current.CancellationToken);
        host.Address = host._host.Address;
        host.Http.BaseAddress = host.Address;
        host._taskHub = GrpcChannel.ForAddress(host._host.TaskHub);
        host.Durable = new GrpcDurableTaskClient("test", new GrpcDurableTaskClientOptions { Channel = host._taskHub }, NullLogger.Instance);
        host._pubSub.SetEventHandlers(
            WebPubSubSettings.Hub,
            new WebPubSubEventHandler(
                new Uri(host.Address, UpstreamFunction.Route).AbsoluteUri, systemEvents: WebPubSubSystemEvents.Connect | WebPubSubSystemEvents.Disconnected));
        return host;
    }

    public static LogKey Log(string user) => new(AppId.Parse("dequeue"), UserId.Parse(user));

    public static string Token(string user)
        => DevTokens.Create(Encoding.UTF8.GetBytes(Key), UserId.Parse(user), AppId.Parse("dequeue"), TimeProvider.System.GetUtcNow(), TimeSpan.FromHours(1));

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string token, string? body = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return await Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>Pushes small events whose payloads say <paramref name="secret"/>.</summary>
    public async Task PushAsync(string user, int count, string secret = "")
    {
        foreach (var chunk in Enumerable.Range(0, count).Chunk(1000))
        {
            var events = chunk.Select(i => $$$"""{"id":"event-{{{i}}}","user_id":"","ts":"2026-01-01T00:00:00Z","type":"t","payload":{"x":"{{{secret}}}"},"payload_version":2}""");
            using var answer = await SendAsync(HttpMethod.Post, "/v1/sync/push", Token(user), $$"""{"events":[{{string.Join(',', events)}}]}""");
            Assert.Equal(chunk.Length, (await Hosting.TestUser.JsonOf(answer)).GetProperty("acknowledged").GetArrayLength());
        }
    }

    public async Task<Uri> NegotiateAsync(string user)
    {
        using var answer = await SendAsync(HttpMethod.Post, "/v1/sync/stream/negotiate", Token(user), "");
        return new Uri((await Hosting.TestUser.JsonOf(answer)).GetProperty("url").GetString()!);
    }

    /// <summary>Waits for what will be so soon.</summary>
    public static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(Guard.Time);
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await isSo()) await tick.WaitForNextTickAsync(timeout.Token);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _pubSub.StopAsync();
        await Durable.DisposeAsync();
        _taskHub.Dispose();
        await _host.DisposeAsync();
        await _pubSub.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}

/// <summary>Keeps every log line with its values and exception, as the most talkative exporter would.</summary>
internal sealed class LineRecorder : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<(int Id, string Text)> _lines = new();

    public IReadOnlyList<(int Id, string Text)> All => [.. _lines];

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var values = state is IReadOnlyList<KeyValuePair<string, object?>> pairs ? string.Join(' ', pairs.Select(pair => $"{pair.Key}={pair.Value}")) : "";
        _lines.Enqueue((eventId.Id, $"{logLevel} {formatter(state, exception)} {values} {exception}"));
    }

    public void Dispose()
    {
    }
}
