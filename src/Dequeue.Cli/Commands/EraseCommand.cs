using System.CommandLine;
using System.Globalization;

namespace Dequeue.Cli.Commands;

/// <summary><c>dequeue erase</c>: deletes everything of one user, as when an account is deleted.</summary>
internal static class EraseCommand
{
    public static Command Create()
    {
        var stored = new StoredLog();
        var yes = new Option<bool>("--yes") { Description = "Really erase; without it the log is only counted" };
        var command = new Command("erase", "Erases one user's log for good. Interrupted, it is finished by erasing again.\n\nExample: dequeue erase --user ada --yes") { yes };
        stored.AddTo(command);
        command.SetAction((parsed, cancellationToken) => stored.UseAsync(parsed, async (events, log) =>
        {
            if (!parsed.GetValue(yes))
            {
                var head = await events.ReadHeadAsync(log, cancellationToken);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{head.Count} events would be erased; add --yes."));
                return 0;
            }

            var rows = await events.EraseAsync(log, cancellationToken);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rows} rows erased."));
            return 0;
        }));
        return command;
    }
}
