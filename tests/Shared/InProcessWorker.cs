using System.Net;
using System.Net.Sockets;
using System.Reflection;
using Dequeue.FunctionsHost.Workers;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Dequeue.Tests.Shared;

/// <summary>
/// The app's worker in this process: a test may replace its services and look into them. Several run side by side, each on a port of
/// its own; all of a process are of one app, whose folder is the test's own.
/// </summary>
/// <param name="app">The app's assembly.</param>
/// <param name="create">Makes the app's builder from the command line and the settings.</param>
/// <param name="configure">Changes it before it is built.</param>
internal sealed class InProcessWorker(
    Assembly app,
    Func<string[], IEnumerable<KeyValuePair<string, string?>>, FunctionsApplicationBuilder> create,
    Action<FunctionsApplicationBuilder>? configure = null) : IWorkerLauncher
{
    /// <summary>Settings that the official packages read from the process alone, whatever the app's configuration says.</summary>
    private static readonly string[] OfTheProcess = ["FUNCTIONS_APPLICATION_DIRECTORY", "FUNCTIONS_WORKER_RUNTIME", "WEBSITE_HOSTNAME"];

    private static readonly Lock Building = new();

    private IHost? _host;

    /// <summary>The folder of an app that a test project references.</summary>
    public static string AppFolder => AppContext.BaseDirectory;

    /// <summary>The services of the worker that runs, or ran last.</summary>
    public IServiceProvider Services => _host?.Services ?? throw new InvalidOperationException("The worker was not started yet.");

    /// <inheritdoc/>
    public async Task<IRunningWorker> StartAsync(WorkerStart start, CancellationToken cancellationToken)
    {
        // Bound before the worker is told the port, so that nobody else gets it meanwhile.
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var host = _host = Build(start, socket);
        await host.StartAsync(cancellationToken);
        return new Running(host);
    }

    private IHost Build(WorkerStart start, Socket socket)
    {
        var http = (IPEndPoint)socket.LocalEndPoint!;
        var settings = start.Environment.ToDictionary(
            setting => setting.Key.Replace("__", ":", StringComparison.Ordinal), string? (setting) => setting.Value);

        // The registrations that the app's build generated are looked up in the process' entry assembly.
        lock (Building)
        {
            foreach (var setting in OfTheProcess) Environment.SetEnvironmentVariable(setting, start.Environment.GetValueOrDefault(setting));
            var entry = Assembly.GetEntryAssembly();
            try
            {
                Assembly.SetEntryAssembly(app);
                var builder = create([.. start.Arguments], settings);
                builder.Configuration.AddInMemoryCollection(HostOf(start));
                builder.Services.PostConfigure<WorkerOptions>(worker => worker.Capabilities["HttpUri"] = $"http://{http}");
                builder.Services.Configure<SocketTransportOptions>(transport => transport.CreateBoundListenSocket = _ => socket);
                builder.Services.Configure<KestrelServerOptions>(kestrel => kestrel.Listen(http));
                configure?.Invoke(builder);
                return builder.Build();
            }
            finally
            {
                if (entry is not null) Assembly.SetEntryAssembly(entry);
            }
        }
    }

    // The official worker reads these from the command line of its process, which is not the test's to change.
    private static Dictionary<string, string?> HostOf(WorkerStart start) => new()
    {
        ["Functions:Worker:HostEndpoint"] = start.Host.AbsoluteUri,
        ["Functions:Worker:WorkerId"] = start.WorkerId,
        ["Functions:Worker:RequestId"] = start.WorkerId,
        ["Functions:Worker:GrpcMaxMessageLength"] = int.MaxValue.ToString(System.Globalization.CultureInfo.InvariantCulture),
    };

    private sealed class Running : IRunningWorker
    {
        private readonly IHost _host;

        public Running(IHost host) => (_host, Ended) = (host, EndAsync(host));

        public Task<string> Ended { get; }

        public async ValueTask DisposeAsync()
        {
            if (!Ended.IsCompleted) await _host.StopAsync();
            await Ended;
        }

        private static async Task<string> EndAsync(IHost host)
        {
            await host.WaitForShutdownAsync();
            await ((IAsyncDisposable)host).DisposeAsync();
            return "";
        }
    }
}
