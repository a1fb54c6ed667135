using System.Net;
using System.Text.Json;
using DurableTask.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Testing.Sidecar;
using Microsoft.DurableTask.Testing.Sidecar.Grpc;
using Microsoft.DurableTask.Worker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dequeue.FunctionsHost.Tests.Durable;

/// <summary>The official engine in memory, with the official worker.</summary>
internal sealed class OfficialApp : DurableApp
{
    private WebApplication? _engine;
    private GrpcChannel? _channel;
    private IHost? _worker;

    public override async Task StartAsync()
    {
        var service = new InMemoryOrchestrationService();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, static port => port.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton<IOrchestrationService>(service);
        builder.Services.AddSingleton<IOrchestrationServiceClient>(service);
        builder.Services.AddSingleton<TaskHubGrpcServer>();
        _engine = builder.Build();
        _engine.MapGrpcService<TaskHubGrpcServer>();
        await _engine.StartAsync(TestContext.Current.CancellationToken);
        _channel = GrpcChannel.ForAddress(_engine.Urls.Single());

        var worker = Host.CreateEmptyApplicationBuilder(null);
        worker.Services.AddDurableTaskWorker(durable =>
        {
            durable.UseGrpc(_channel);
            durable.AddTasks(registry =>
            {
                foreach (var (name, code) in Orchestrators)
                {
                    code.AddTo(registry, name);
                }

                foreach (var (name, code) in Activities)
                {
                    registry.AddActivityFunc<JsonElement, object?>(name, (_, input) => code(Text(input), CancellationToken.None));
                }
            });
        });
        worker.Services.AddDurableTaskClient(durable =>
        {
            durable.UseGrpc(_channel);
            durable.RegisterDirectly();
        });
        _worker = worker.Build();
        await _worker.StartAsync(TestContext.Current.CancellationToken);
        Client = _worker.Services.GetRequiredService<DurableTaskClient>();
    }

    public override async ValueTask DisposeAsync()
    {
        if (_worker is not null)
        {
            await _worker.StopAsync(CancellationToken.None);
            _worker.Dispose();
        }

        _channel?.Dispose();
        if (_engine is not null)
        {
            await _engine.DisposeAsync();
        }
    }
}
