using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using Dequeue.FunctionsHost.Workers;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Dequeue.Tests.Shared;

/// <summary>
/// The worker in this process, for tests that replace a service or look at one. It is the official worker all the same, and speaks
/// to its host over gRPC and HTTP as in a process of its own.
/// </summary>
/// <param name="app">The app's assembly: its generated functions are looked for in the entry assembly.</param>
/// <param name="build">Makes the app's builder.</param>
internal sealed class InProcessWorker(Assembly app, Func<FunctionsApplicationBuilder> build) : IWorkerLauncher
{
    private IHost? _host;

    /// <summary>The services of the app, once started.</summary>
    public IServiceProvider Services => _host!.Services;

    public async Task<IRunningWorker> StartAsync(WorkerStart start, CancellationToken cancellationToken)
    {
        foreach (var name in new[] { "FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_APPLICATION_DIRECTORY", "WEBSITE_HOSTNAME" })
            Environment.SetEnvironmentVariable(name, start.Environment[name]);
        Assembly.SetEntryAssembly(app);
        var builder = build();
        builder.Configuration.AddInMemoryCollection(
        [
            new("Functions:Worker:HostEndpoint", start.Host.AbsoluteUri), new("Functions:Worker:WorkerId", start.WorkerId),
            new("Functions:Worker:RequestId", start.WorkerId), new("Functions:Worker:GrpcMaxMessageLength", "2147483647"),
        ]);

        // The worker picks one port for a process; each here needs its own.
        var port = FreePort();
        builder.Services.PostConfigure<WorkerOptions>(
            options => options.Capabilities["HttpUri"] = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
        builder.Services.Configure<KestrelServerOptions>(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        _host = builder.Build();
        await _host.StartAsync(cancellationToken);
        return new Running(_host);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed class Running(IHost host) : IRunningWorker
    {
        private readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> Ended => _ended.Task;

        public async ValueTask DisposeAsync()
        {
            await host.StopAsync();
            if (host is IAsyncDisposable disposable) await disposable.DisposeAsync();
            else host.Dispose();
            _ended.TrySetResult("it was stopped");
        }
    }
}
