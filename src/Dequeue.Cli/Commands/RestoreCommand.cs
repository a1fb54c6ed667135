using System.CommandLine;
using Dequeue.Client;
using Dequeue.Storage;

namespace Dequeue.Cli.Commands;

/// <summary><c>dequeue restore</c>: the logs of a backup in the place of those that are there.</summary>
internal static class RestoreCommand
{
    private const int Refused = 1;

    public static Command Create()
    {
        var (stored, connections) = (new StoredLogs(), new OpenConnections());
        var file = new Argument<string>("file") { Description = "The backup" };
        var overwrite = new Option<bool>("--overwrite") { Description = "Let the logs go that are there now" };
        var command = new Command("restore", "Puts all logs of a backup in the place of those that are there, and closes all connections: devices ask anew, and push again what the backup lacks.\n\nExample: dequeue restore ./monday.backup --overwrite") { file, overwrite };
        stored.AddTo(command);
        connections.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var report = await stored.MakeAsync(
                parsed, table => EventLogBackup.RestoreAsync(parsed.GetRequiredValue(file), table, parsed.GetValue(overwrite), cancellationToken));
            if (report is null)
            {
                await Console.Error.WriteLineAsync("There are logs in the storage; --overwrite puts the backup in their place.");
                return Refused;
            }

            Console.WriteLine($"{Counted.Of(report.Logs, "log", Counted.Digits)}, {Counted.Of(report.Rows, "row", Counted.Digits)} restored.");
            Console.WriteLine(await connections.CloseAsync(parsed, stored.DataFolderOf(parsed), null));
            return 0;
        });
        return command;
    }
}
