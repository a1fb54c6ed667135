using System.CommandLine;
using Dequeue.Cli.Terminal;
using Dequeue.Client;
using Dequeue.Contracts;

namespace Dequeue.Cli.Commands;

/// <summary><c>dequeue watch</c>: stays connected and prints new events, one JSON line each.</summary>
internal static class WatchCommand
{
    public static Command Create()
    {
        var client = new ClientOptions();
        var state = new Option<string?>("--state") { Description = "Folder that keeps the device's events and checkpoint; default in memory" };
        var command = new Command("watch", "Stays connected and prints every event that the device did not have, as JSON lines: first those it missed, then new ones as they are committed.\n\nExample: dequeue watch --token $(dequeue token --user ada) | jq .type") { state };
        client.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = client.Read(parsed);
            await using var store = await DeviceStore.OpenAsync(parsed.GetValue(state), cancellationToken);
            using var sync = new SyncManager(options with { App = options.App ?? AppId.Parse("dequeue") }, store.Events, client.Token(parsed));
            await using var output = Console.OpenStandardOutput();
            try
            {
                await foreach (var next in sync.WatchAsync(cancellationToken))
                {
                    await output.WriteAsync(PlainText.OfJson(next.Json), cancellationToken);
                    await output.WriteAsync("\n"u8.ToArray(), cancellationToken);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // Ctrl+C is how one leaves.
            }

            return 0;
        });
        return command;
    }
}
