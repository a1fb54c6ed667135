using System.CommandLine;
using Dequeue.Cli.Serving;

namespace Dequeue.Cli.Commands;

/// <summary><c>dequeue serve</c>: the whole backend, the functions in a worker process of their own.</summary>
internal static class ServeCommand
{
    private const string Json = "json";

    public static Command Create()
    {
        var (server, outside) = (new ServerOptions(), new PublicOptions());
        var logFormat = new Option<string>("--log-format") { Description = "How log lines are written to stderr", DefaultValueFactory = _ => "text" };
        logFormat.AcceptOnlyFromAmong("text", Json);
        var command = new Command(
            "serve",
            "Runs the whole backend: functions (in a worker process), durable engine, Web PubSub, gateway. Stops on Ctrl+C or SIGTERM. "
            + "This machine alone reaches it, unless told otherwise.\n\nExample: dequeue serve --port 7071 --data ./state\n"
            + "Example: dequeue serve --listen 0.0.0.0:443 --certificate ./fullchain.pem --certificate-key ./privkey.pem");
        server.AddTo(command);
        outside.AddTo(command);
        command.Options.Add(logFormat);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = outside.Read(parsed, server.Read(parsed), server.NamesMainPort(parsed)) with { LogsAsJson = parsed.GetValue(logFormat) == Json };
            await using var backend = await LocalBackend.StartAsync(options, cancellationToken);
            if (options.PublicSide is { IsPublic: true, Certificate: null, Proxies: [], Url: null })
                await Console.Error.WriteLineAsync("Tokens and events travel unencrypted: give a --certificate, or put a proxy before the server (--public-url, --proxy).");
            Console.WriteLine($"ready {backend.Address.GetLeftPart(UriPartial.Authority)}");
            await backend.WaitForShutdownAsync(cancellationToken);
            return 0;
        });
        return command;
    }
}
