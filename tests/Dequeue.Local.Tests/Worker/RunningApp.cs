using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dequeue.Local.Tests.Worker;

/// <summary>The test app in this process, on a free port, with files of its own.</summary>
internal sealed class RunningApp : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("worker-").FullName;

    private RunningApp()
    {
    }

    public IHost Host { get; private set; } = null!;

    public HttpClient Http { get; } = new();

    public Durable.RecordingLoggers Loggers { get; } = new();

    public string Folder => _folder;

    public static async Task<RunningApp> StartAsync(
        Action<IHostApplicationBuilder>? configure = null, string? folder = null, params string[] args)
    {
        var app = new RunningApp();
        folder ??= app._folder;
        var builder = TestApp.TestApp.CreateBuilder(
        [
            "--port", "0", "--Durable:Path", Path.Combine(folder, "durable.db"), "--Timers:Path", Path.Combine(folder, "timers"), .. args,
        ]);
        builder.Logging.ClearProviders();
        builder.Logging.AddProvider(new Provider(app.Loggers));
        configure?.Invoke(builder);
        app.Host = builder.Build();
        try
        {
            await app.Host.StartAsync(TestContext.Current.CancellationToken);
        }
        catch
        {
            app.Host.Dispose();
            Directory.Delete(app._folder, recursive: true);
            throw;
        }

        var addresses = app.Host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!;
        app.Http.BaseAddress = new Uri(addresses.Addresses.Single());
        return app;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Host.StopAsync();
        if (Host is IAsyncDisposable host)
        {
            await host.DisposeAsync();
        }

        Loggers.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private sealed class Provider(ILoggerFactory loggers) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => loggers.CreateLogger(categoryName);

        public void Dispose()
        {
        }
    }
}
