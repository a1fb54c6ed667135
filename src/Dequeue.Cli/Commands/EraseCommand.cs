using System.CommandLine;
using System.Globalization;
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
            if (!parsed.GetValue(yes))
            {
                var head = await events.ReadHeadAsync(log, cancellationToken);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{head.Count} events would be erased; add --yes."));
                return 0;
            }

            var rows = await events.EraseAsync(log, cancellationToken);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rows} rows erased."));
            Console.WriteLine(await connections.CloseAsync(parsed, stored.DataFolderOf(parsed), log));
            if (shelf is null) return 0;
            var pages = await PageOffers.EraseAsync(shelf, log, cancellationToken);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{pages} pages erased from {PageShelfStorage.SettingName}."));
            return 0;
        }));
        return command;
    }
}
