using System.CommandLine;
using Dequeue.Client;
using Dequeue.Storage;
using Dequeue.Sync.Streaming;

namespace Dequeue.Cli.Commands;

/// <summary><c>dequeue erase</c>: deletes everything of one user, as when an account is deleted.</summary>
internal static class EraseCommand
{
    public static Command Create()
    {
        var (stored, connections) = (new StoredLog(), new OpenConnections());
        var yes = new Option<bool>("--yes") { Description = "Really erase; without it the log is only counted" };
        var references = new Option<string?>("--references-storage")
        {
            Description = "Where its pages were offered as URLs; default the environment's References__Storage",
            DefaultValueFactory = _ => Environment.GetEnvironmentVariable(PageShelfStorage.SettingName),
        };
        var command = new Command("erase", "Erases one user's log for good, and closes the user's connections. Interrupted, it is finished by erasing again.\n\nExample: dequeue erase --user ada --yes") { yes, references };
        stored.AddTo(command);
        connections.AddTo(command);
        command.SetAction((parsed, cancellationToken) => stored.UseAsync(parsed, async (events, log) =>
        {
            var shelf = PageShelfStorage.Open(parsed.GetValue(references), TimeSpan.Zero, TimeProvider.System);
            var head = await events.ReadHeadAsync(log, cancellationToken);
            var count = Counted.Of(head.Count, "event", Counted.Digits);
            if (!parsed.GetValue(yes))
            {
                // A log without events is one that was never begun, or one whose erase was interrupted: the check knows.
                var rest = head.Count == 0 ? (await events.CheckAsync(log, cancellationToken)).Findings : [];
                Console.WriteLine(head.Count > 0 ? $"{count} would be erased; add --yes." : rest is [var unfinished, ..] ? unfinished : StoredLog.Absent(log));
                return 0;
            }

            var rows = await events.EraseAsync(log, cancellationToken);
            Console.WriteLine(rows == 0 ? StoredLog.Absent(log) : head.Count == 0 ? "The interrupted erase is finished." : $"{count} erased.");
            Console.WriteLine(await connections.CloseAsync(parsed, stored.DataFolderOf(parsed), log));
            if (shelf is null) return 0;
            var pages = await PageOffers.EraseAsync(shelf, log, cancellationToken);
            Console.WriteLine($"{Counted.Of(pages, "page", Counted.Digits)} erased from {PageShelfStorage.SettingName}.");
            return 0;
        }));
        return command;
    }
}
