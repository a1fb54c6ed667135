using System.CommandLine;
using Dequeue.Cli.Serving;

namespace Dequeue.Cli.Commands;

/// <summary><c>dequeue serve</c>: the whole backend, the functions in a worker process of their own.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var server = new ServerOptions();
        var command = new Command("serve", "Runs the whole backend: functions (in a worker process), durable engine, Web PubSub, gateway. Stops on Ctrl+C or SIGTERM.\n\nExample: dequeue serve --port 7071 --data ./state");
        server.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var backend = await LocalBackend.StartAsync(server.Read(parsed), cancellationToken);
            Console.WriteLine($"ready {backend.Address.GetLeftPart(UriPartial.Authority)}");
            await backend.WaitForShutdownAsync(cancellationToken);
            return 0;
        });
        return command;
    }
}
