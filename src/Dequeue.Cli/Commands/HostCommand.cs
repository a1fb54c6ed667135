using System.CommandLine;
using Dequeue.Cli.Terminal;
using Dequeue.FunctionsHost;
using Microsoft.Extensions.Logging;

namespace Dequeue.Cli.Commands;

/// <summary><c>dequeue host</c>: runs any isolated worker app with HTTP, timer and durable triggers from its published folder.</summary>
internal static class HostCommand
{
    public static Command Create()
    {
        var folder = new Argument<DirectoryInfo>("DIR") { Description = "The folder of the published app: host.json, worker.config.json and its assemblies" };
        var port = new Option<int>("--port") { Description = "Port of its HTTP functions; 0 for any free one", DefaultValueFactory = _ => 7071 };
        var state = new Option<string>("--state") { Description = "Folder for durable instances and timers", DefaultValueFactory = _ => ".dequeue" };
        var verbose = new Option<bool>("--verbose") { Description = "Log what happens, to stderr" };
        var command = new Command(
            "host",
            "Runs a published isolated worker app by itself, without Azure or Core Tools. Its settings are the environment's and local.settings.json's.\n\n"
            + "Example: dequeue host ./publish --port 7071") { folder, port, state, verbose };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(port) is < 0 or > 65535) throw new UsageException("--port is 0 to 65535.");
            await using var host = new FunctionsHostServer(new FunctionsHostOptions
            {
                AppFolder = parsed.GetRequiredValue(folder).FullName,
                Listen = new Uri($"http://127.0.0.1:{parsed.GetValue(port)}"),
                StateFolder = parsed.GetRequiredValue(state),
                Logging = logging => Consoles.LogToStderr(logging, parsed.GetValue(verbose) ? LogLevel.Information : LogLevel.Warning),
            });
            await host.StartAsync(cancellationToken);
            Console.WriteLine($"ready {host.Address.GetLeftPart(UriPartial.Authority)}");
            await host.WaitForShutdownAsync(cancellationToken);
            return 0;
        });
        return command;
    }
}
