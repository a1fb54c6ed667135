using System.Collections.Concurrent;
using System.Text.Json;
using Dequeue.Local.Durable;
using Dequeue.Local.Durable.Engine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dequeue.Local.Tests.Durable;

/// <summary>An engine on a file of its own, with code given by the test; can be stopped and started again.</summary>
internal sealed class EngineHarness : IAsyncDisposable
{
    private readonly Dictionary<string, OrchestratorBody> _orchestrators = [];
    private readonly Dictionary<string, ActivityBody> _activities = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("durable-").FullName;
    private readonly ServiceProvider _services = new ServiceCollection().BuildServiceProvider();
    private DurableEngine? _engine;
    private EngineClient? _client;

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public int MaxConcurrentActivities { get; init; } = 8;

    public RecordingLoggers Loggers { get; } = new();

    public string Path => System.IO.Path.Combine(_folder, "durable.db");

    public DurableEngine Engine => _engine ?? throw new InvalidOperationException("Not started.");

    public DurableTaskClient Client => _client ?? throw new InvalidOperationException("Not started.");

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    public EngineHarness Orchestrator(string name, Func<TaskOrchestrationContext, Task<object?>> code)
    {
        _orchestrators[name] = (_, context) => code(context);
        return this;
    }

    public EngineHarness Activity(string name, Func<string?, object?> code) => Activity(name, (input, _) => Task.FromResult(code(input)));

    public EngineHarness Activity(string name, Func<string?, CancellationToken, Task<object?>> code)
    {
        _activities[name] = (_, call, cancellationToken) =>
            code(call.Input is null ? null : JsonSerializer.Deserialize<JsonElement>(call.Input).ToString(), cancellationToken);
        return this;
    }

    public async Task<EngineHarness> StartAsync()
    {
        _engine = new DurableEngine(
            new DurableOptions(Path, MaxConcurrentActivities, 4, new JsonSerializerOptions { PropertyNameCaseInsensitive = true }),
            new DurableRegistry(_orchestrators, _activities),
            _services.GetRequiredService<IServiceScopeFactory>(),
            Clock,
            Loggers);
        _client = new EngineClient(_engine);
        await _engine.StartAsync(Test);
        return this;
    }

    public async Task StopAsync(bool atOnce = false)
    {
        await Engine.StopAsync(new CancellationToken(atOnce));
        await Engine.DisposeAsync();
        _engine = null;
    }

    public Task<string> BeginAsync(string name, object? input = null, string? id = null) =>
        Client.ScheduleNewOrchestrationInstanceAsync(name, input, new StartOrchestrationOptions(id), Test);

    public Task<OrchestrationMetadata> EndAsync(string id) =>
        Client.WaitForInstanceCompletionAsync(id, getInputsAndOutputs: true, Test).WaitAsync(TimeSpan.FromSeconds(20), Test);

    public async Task<OrchestrationMetadata> RunAsync(string name, object? input = null, string? id = null) =>
        await EndAsync(await BeginAsync(name, input, id));

    /// <summary>Waits until something of the store is so.</summary>
    public Task UntilAsync(Func<Database, bool> condition) => Eventually.TrueAsync(() => Engine.Store.Read(condition));

    public Task UntilStatusAsync(string id, OrchestrationRuntimeStatus status) =>
        UntilAsync(database => database.Instance(id, JsonSerializerOptions.Default, false)!.RuntimeStatus == status);

    public long Count(string table) => Engine.Store.Read(database => (long)database.Scalar($"SELECT count(*) FROM {table}")!);

    public async ValueTask DisposeAsync()
    {
        if (_engine is not null)
        {
            await StopAsync(atOnce: true);
        }

        await _services.DisposeAsync();
        Loggers.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}

internal sealed class RecordingLoggers : ILoggerFactory
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public ILogger CreateLogger(string categoryName) => new Recorder(this);

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    private sealed class Recorder(RecordingLoggers owner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            owner.Lines.Enqueue(formatter(state, exception));
    }
}
