using System.CommandLine;
using Dequeue.Client;
using Dequeue.Storage;

namespace Dequeue.Cli.Commands;

/// <summary><c>dequeue backup</c>: all logs in one file, while the server runs.</summary>
internal static class BackupCommand
{
    public static Command Create()
    {
        var stored = new StoredLogs();
        var file = new Argument<string>("file") { Description = "The new file" };
        var command = new Command("backup", "Writes all logs into one file. The server may be running. The file is a SQLite file that --storage sqlite:FILE opens, whatever storage the logs come from.\n\nExample: dequeue backup ./monday.backup\nExample: dequeue check --user ada --storage sqlite:./monday.backup") { file };
        stored.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var path = parsed.GetRequiredValue(file);
            var report = await stored.UseAsync(parsed, table => EventLogBackup.WriteAsync(table, path, cancellationToken));
            Console.WriteLine($"{Counted.Of(report.Logs, "log", Counted.Digits)}, {Counted.Of(report.Rows, "row", Counted.Digits)} in {path}.");
            return 0;
        });
        return command;
    }
}
