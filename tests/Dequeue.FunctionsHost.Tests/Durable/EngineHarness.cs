using System.Net;
using System.Text.Json;
using Dequeue.FunctionsHost.Durable;
using Google.Protobuf;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Protobuf;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dequeue.FunctionsHost.Tests.Durable;

/// <summary>
/// This engine on a file of its own, with the official replay behind it and the official client before it, over a real port. Can be
/// stopped and started again.
/// </summary>
internal sealed class EngineHarness : DurableApp, IDurableFunctions
{
    private readonly string _folder = Directory.CreateTempSubdirectory("durable-").FullName;
    private readonly ServiceProvider _services;
    private DurableEngine? _engine;
    private WebApplication? _server;
    private GrpcChannel? _channel;
    private ServiceProvider? _clients;

    public EngineHarness() => _services = new ServiceCollection().AddOptions().AddSingleton<ILoggerFactory>(Loggers).BuildServiceProvider();

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public int MaxConcurrentActivities { get; init; } = 8;

    public bool ReplacesLive { get; init; }

    public bool RefusesLostEvents { get; init; } = true;

    public RecordingLoggers Loggers { get; } = new();

    /// <summary>Called before each replay and each call of an activity, with the name: may throw for the worker.</summary>
    public Action<string> BeforeWorker { get; set; } = static _ => { };

    public string Path => System.IO.Path.Combine(_folder, "durable.db");

    public DurableEngine Engine => _engine ?? throw new InvalidOperationException("Not started.");

    /// <summary>The service without the client, which does not pass on all that it is asked.</summary>
    public TaskHubSidecarService.TaskHubSidecarServiceClient Service => new(_channel);

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    public override async Task StartAsync()
    {
        _engine = new DurableEngine(
            new DurableOptions(Path, MaxConcurrentActivities, 4) { ReplacesLive = ReplacesLive, RefusesLostEvents = RefusesLostEvents },
            this,
            Clock,
            new Logger<DurableEngine>(Loggers));
        if (_server is null)
        {
            await ServeAsync();
        }

        // What it resumes may call the client at once.
        await _engine.StartAsync(Test);
    }

    public async Task StopAsync(bool atOnce = false)
    {
        await Engine.StopAsync(new CancellationToken(atOnce));
        await Engine.DisposeAsync();
        _engine = null;
    }

    /// <summary>Waits until something of the store is so.</summary>
    public Task UntilAsync(Func<Database, bool> condition) => Eventually.TrueAsync(() => Engine.Store.Read(condition));

    public Task UntilStatusAsync(string id, OrchestrationRuntimeStatus status) =>
        UntilAsync(database => (int)database.Instance(id, false)!.OrchestrationStatus == (int)status);

    public long Count(string table) => Engine.Store.Read(database => (long)database.Scalar($"SELECT count(*) FROM {table}")!);

    /// <summary>A copy of the file as a process that is killed now would leave it.</summary>
    public void CopyStore(string path) => Engine.Store.Read(database => database.Execute("VACUUM INTO $0", path));

    public void Remove(string orchestrator) => Orchestrators.Remove(orchestrator);

    public bool HasOrchestrator(string name) => Orchestrators.ContainsKey(name);

    public bool HasActivity(string name) => Activities.ContainsKey(name);

    public Task<OrchestratorResponse> ReplayAsync(string name, OrchestratorRequest request, CancellationToken cancellationToken)
    {
        BeforeWorker(name);
        var answer = Orchestrators[name].Replay(Convert.ToBase64String(request.ToByteArray()), _services);
        return Task.FromResult(OrchestratorResponse.Parser.ParseFrom(Convert.FromBase64String(answer)));
    }

    public async Task<ActivityOutcome> CallAsync(
        string name, string instanceId, int taskId, string? input, CancellationToken cancellationToken)
    {
        BeforeWorker(name);
        try
        {
            var text = input is null ? null : Text(JsonSerializer.Deserialize<JsonElement>(input));
            var result = await Activities[name](text, cancellationToken);
            return new ActivityOutcome.Returned(result is null ? null : JsonSerializer.Serialize(result));
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            return new ActivityOutcome.Failed(Failure.Of(exception));
        }
    }

    public override async ValueTask DisposeAsync()
    {
        if (_engine is not null)
        {
            await StopAsync(atOnce: true);
        }

        if (_clients is not null)
        {
            await _clients.DisposeAsync();
        }

        _channel?.Dispose();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        await _services.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task ServeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, static port => port.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddScoped(_ => new TaskHubService(Engine));
        _server = builder.Build();
        _server.MapGrpcService<TaskHubService>();
        await _server.StartAsync(Test);
        _channel = GrpcChannel.ForAddress(_server.Urls.Single(), new GrpcChannelOptions { MaxReceiveMessageSize = null });
        var clients = new ServiceCollection().AddLogging();
        clients.AddDurableTaskClient(durable =>
        {
            durable.UseGrpc(_channel);
            durable.RegisterDirectly();
        });
        _clients = clients.BuildServiceProvider();
        Client = _clients.GetRequiredService<DurableTaskClient>();
    }
}
