using System.CommandLine;
using Dequeue.Cli.Terminal;
using Dequeue.Functions.Configuration;
using Dequeue.Functions.Upstream;
using Dequeue.WebPubSub;
using Microsoft.Extensions.Logging;

namespace Dequeue.Cli.Commands;

/// <summary><c>dequeue pubsub</c>: the local Web PubSub alone, for the functions under Core Tools.</summary>
internal static class PubSubCommand
{
    public static Command Create()
    {
        var port = new Option<int>("--port") { Description = "Its port; 0 for any free one", DefaultValueFactory = _ => WebPubSubServerOptions.DefaultPort };
        var hub = new Option<string>("--hub") { Description = "The hub with the event handler", DefaultValueFactory = _ => WebPubSubSettings.Hub };
        var upstream = new Option<string>("--upstream") { Description = "URL of the event handler; {hub} and {event} are filled in", Required = true };
        var command = new Command("pubsub", "Runs the local Web PubSub alone, in place of Microsoft's emulator: same default port, connection string and public access key.\n\nExample: dequeue pubsub --upstream http://localhost:7071/webpubsub/events") { port, hub, upstream };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            WebPubSubEventHandler handler;
            try
            {
                handler = new WebPubSubEventHandler(parsed.GetRequiredValue(upstream));
            }
            catch (ArgumentException wrong)
            {
                throw new UsageException("--upstream: " + wrong.Message);
            }

            if (new Uri(handler.UrlTemplate).AbsolutePath == "/")
                await Console.Error.WriteLineAsync($"--upstream has no path; the functions take events at /{UpstreamFunction.Route}.");

            using var loggers = LoggerFactory.Create(logging => Consoles.LogToStderr(logging, LogLevel.Warning));
            await using var server = new WebPubSubServer(new WebPubSubServerOptions { Port = parsed.GetValue(port), LoggerFactory = loggers });
            server.SetEventHandlers(parsed.GetRequiredValue(hub), handler);
            await server.StartAsync(cancellationToken);
            await Console.Error.WriteLineAsync("The access key is the emulator's, which is public: whoever reaches this port may connect as any user. Use it for development alone.");
            Console.WriteLine($"ready {server.ConnectionString}");
            var stopped = new TaskCompletionSource();
            await using var stop = cancellationToken.Register(stopped.SetResult);
            await stopped.Task;
            return 0;
        });
        return command;
    }
}
