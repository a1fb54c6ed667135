using System.CommandLine;
using Dequeue.Cli.Terminal;
using Dequeue.Client;

namespace Dequeue.Cli.Commands;

/// <summary><c>dequeue watch</c>: stays connected and prints events, one JSON line each, from where its reader stopped.</summary>
internal static class WatchCommand
{
    private const string Consumer = "dequeue watch";

    public static Command Create()
    {
        var client = new ClientOptions();
        var state = new Option<string?>("--state") { Description = "Folder that keeps the device's events and checkpoint; default in memory" };
        var command = new Command("watch", "Stays connected and prints every event of the device that it has not printed yet, as JSON lines: first those that are there, then new ones as they are committed. With --state it goes on where its reader stopped.\n\nExample: dequeue watch --token $(dequeue token --user ada) | jq .type") { state };
        client.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var (options, token) = (client.Read(parsed), client.Token(parsed));

            // It waits for a server that comes back; a person should know that it does.
            if (await ServerProbe.AbsenceAsync(options.Server, cancellationToken) is { } absence) await Console.Error.WriteLineAsync($"{absence} Waiting for it.");
            await using var store = await DeviceStore.OpenAsync(parsed.GetValue(state), cancellationToken);
            using var sync = new SyncManager(options, store.Events, token);
            await using var output = new LineOutput();
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var closing = StopWhenClosedAsync(output, stop);
            try
            {
                await foreach (var next in sync.WatchAsync(Consumer, stop.Token)) await output.WriteAsync(PlainText.OfJson(next.Json), stop.Token);
            }
            catch (IOException)
            {
                // The reader is gone, which is another way to leave: it has not taken this event, and gets it the next time.
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // Ctrl+C is how one leaves.
            }

            await stop.CancelAsync();
            await closing;
            return 0;
        });
        return command;
    }

    private static async Task StopWhenClosedAsync(LineOutput output, CancellationTokenSource stop)
    {
        await output.ClosedAsync(stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await stop.CancelAsync();
    }
}
