using System.Text.Json;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Worker.Grpc;

namespace Dequeue.FunctionsHost.Tests.Durable;

/// <summary>Orchestrators and activities given by a test, on some engine, and the official client of it.</summary>
internal abstract class DurableApp : IAsyncDisposable
{
    private DurableTaskClient? _client;

    public DurableTaskClient Client
    {
        get => _client ?? throw new InvalidOperationException("Not started.");
        protected set => _client = value;
    }

    protected Dictionary<string, Code> Orchestrators { get; } = new(StringComparer.OrdinalIgnoreCase);

    protected Dictionary<string, Func<string?, CancellationToken, Task<object?>>> Activities { get; } =
        new(StringComparer.OrdinalIgnoreCase);

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    public DurableApp Orchestrator(string name, Func<TaskOrchestrationContext, Task<object?>> code) => Orchestrator<object>(name, code);

    public DurableApp Orchestrator<TInput>(string name, Func<TaskOrchestrationContext, Task<object?>> code)
    {
        Orchestrators[name] = new Code<TInput>(code);
        return this;
    }

    public DurableApp Activity(string name, Func<string?, object?> code) => Activity(name, (input, _) => Task.FromResult(code(input)));

    public DurableApp Activity(string name, Func<string?, CancellationToken, Task<object?>> code)
    {
        Activities[name] = code;
        return this;
    }

    public abstract Task StartAsync();

    public Task<string> BeginAsync(string name, object? input = null, string? id = null) =>
        Client.ScheduleNewOrchestrationInstanceAsync(name, input, new StartOrchestrationOptions(id), Test);

    public Task<OrchestrationMetadata> EndAsync(string id) =>
        Client.WaitForInstanceCompletionAsync(id, getInputsAndOutputs: true, Test).WaitAsync(Guard.Time, Test);

    public async Task<OrchestrationMetadata> RunAsync(string name, object? input = null, string? id = null) =>
        await EndAsync(await BeginAsync(name, input, id));

    public abstract ValueTask DisposeAsync();

    /// <summary>An activity's input as a test writes it down.</summary>
    protected static string? Text(JsonElement input) =>
        input.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined ? null : input.ToString();

    /// <summary>An orchestrator's code, which knows the type of its input.</summary>
    internal abstract class Code
    {
        public abstract string Replay(string request, IServiceProvider services);

        public abstract void AddTo(DurableTaskRegistry registry, string name);
    }

    private sealed class Code<TInput>(Func<TaskOrchestrationContext, Task<object?>> code) : Code
    {
        public override string Replay(string request, IServiceProvider services) =>
            GrpcOrchestrationRunner.LoadAndRun<TInput, object>(request, (context, _) => code(context), services);

        public override void AddTo(DurableTaskRegistry registry, string name) =>
            registry.AddOrchestratorFunc<TInput, object?>(name, (context, _) => code(context));
    }
}
