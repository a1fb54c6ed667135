using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using Dequeue.Contracts;
using Dequeue.Functions;
using Dequeue.Functions.Auth;
using Dequeue.Functions.Configuration;
using Dequeue.Functions.Upstream;
using Dequeue.Local.Durable;
using Dequeue.Local.WebPubSub;
using Dequeue.Sync.Log;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dequeue.EndToEnd.Tests.Operation;

/// <summary>A backend whose inside a test may look at: its services, its durable client, its log lines.</summary>
internal sealed class OperationHost : IAsyncDisposable
{
    public const string Key = "0123456789abcdef0123456789abcdef";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("dequeue-operation-");
    private readonly WebPubSubServer _pubSub = new(new WebPubSubServerOptions { Port = 0 });
    private IHost _host = null!;

    public Uri Address { get; private set; } = new("about:blank");

    public HttpClient Http { get; } = new();

    public LineRecorder Lines { get; } = new();

    public IServiceProvider Services => _host.Services;

    public DurableTaskClient Durable
        => (DurableTaskClient)Services.GetRequiredService(typeof(DurableTaskClient).Assembly.GetType("Dequeue.Local.Durable.Engine.EngineClient", throwOnError: true)!);

    /// <summary>Starts one. Settings that are null are left out.</summary>
    public static async Task<OperationHost> StartAsync(params (string Key, string? Value)[] settings)
    {
        var host = new OperationHost();
        await host._pubSub.StartAsync(TestContext.Current.CancellationToken);
        var all = new Dictionary<string, string?>
        {
            ["WebPubSubConnectionString"] = host._pubSub.ConnectionString,
            ["EventLog:Storage"] = "sqlite:" + Path.Combine(host._folder.FullName, "events.db"),
            ["Durable:Path"] = Path.Combine(host._folder.FullName, "durable.db"),
            ["Timers:Path"] = Path.Combine(host._folder.FullName, "timers"),
            ["AZURE_FUNCTIONS_ENVIRONMENT"] = "Development",
            ["Auth:DevSigningKey"] = Key,
            ["Limits:CallsPerSecond"] = "2000",
        };
        foreach (var (key, value) in settings)
        {
            if (value is null) all.Remove(key);
            else all[key] = value;
        }

        var builder = SyncBackend.CreateBuilder(["--urls", "http://127.0.0.1:0"], all);
        builder.Logging.ClearProviders();
        builder.Logging.AddProvider(host.Lines).SetMinimumLevel(LogLevel.Debug).AddFilter("Microsoft", LogLevel.Warning);
        host._host = builder.Build();
        await host._host.StartAsync(TestContext.Current.CancellationToken);
        host.Address = new Uri(host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        host.Http.BaseAddress = host.Address;
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
        timeout.CancelAfter(TimeSpan.FromSeconds(30));
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await isSo()) await tick.WaitForNextTickAsync(timeout.Token);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _pubSub.StopAsync();
        await _host.StopAsync();
        await ((IAsyncDisposable)_host).DisposeAsync();
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
