using System.Collections.Concurrent;
using System.Net;
using Dequeue.FunctionsHost.Durable;
using Dequeue.FunctionsHost.Rpc.Messages;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dequeue.FunctionsHost.Rpc;

/// <summary>
/// The port that workers connect to, on this machine alone: the worker protocol, and the durable task hub. Who does not know the
/// worker id that was made for it is turned away.
/// </summary>
internal sealed class WorkerListener : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, Expected> _expected = new(StringComparer.Ordinal);

    public WorkerListener(ILoggerFactory loggers, TaskHubService taskHub)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        });
        builder.Services.AddSingleton(loggers);
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc(grpc => (grpc.MaxReceiveMessageSize, grpc.MaxSendMessageSize) = (null, null));
        builder.Services.AddSingleton(new FunctionRpcService(this));
        builder.Services.AddSingleton(taskHub);
        _app = builder.Build();
        _app.MapGrpcService<FunctionRpcService>();
        _app.MapGrpcService<TaskHubService>();
    }

    /// <summary>Where it listens, once started.</summary>
    public Uri Address { get; private set; } = null!;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _app.StartAsync(cancellationToken);
        Address = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
    }

    /// <summary>Lets a worker in, once.</summary>
    /// <returns>Ends when it has connected.</returns>
    public Task<WorkerChannel> Expect(string workerId, WorkerLogs logs, ILogger logger)
    {
        var expected = new Expected(new WorkerChannel(workerId, logs, logger));
        _expected[workerId] = expected;
        return expected.Connected.Task;
    }

    /// <summary>No longer lets a worker in that has not come.</summary>
    public void Forget(string workerId) => _expected.TryRemove(workerId, out _);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private sealed record Expected(WorkerChannel Channel)
    {
        public TaskCompletionSource<WorkerChannel> Connected { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class FunctionRpcService(WorkerListener listener) : FunctionRpc.FunctionRpcBase
    {
        public override async Task EventStream(
            IAsyncStreamReader<StreamingMessage> requestStream, IServerStreamWriter<StreamingMessage> responseStream, ServerCallContext context)
        {
            if (!await requestStream.MoveNext(context.CancellationToken)
                || requestStream.Current.StartStream is not { } start
                || !listener._expected.TryRemove(start.WorkerId, out var expected))
            {
                throw new Grpc.Core.RpcException(new Status(StatusCode.PermissionDenied, "No worker of this name is expected."));
            }

            expected.Connected.TrySetResult(expected.Channel);
            await expected.Channel.RunAsync(requestStream, responseStream, context.CancellationToken);
        }
    }
}
