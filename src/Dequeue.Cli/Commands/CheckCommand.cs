using System.CommandLine;
using System.Globalization;
using Dequeue.Cli.Terminal;

namespace Dequeue.Cli.Commands;

/// <summary><c>dequeue check</c>: verifies a log where it is stored.</summary>
internal static class CheckCommand
{
    public static Command Create()
    {
        var stored = new StoredLog();
        var command = new Command("check", "Verifies a log: order, counts, digests, id rows. Says what is wrong; changes nothing. A server may be running.\n\nExample: dequeue check --user ada --storage UseDevelopmentStorage=true");
        stored.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var report = await stored.UseAsync(parsed, (events, log) => events.CheckAsync(log, cancellationToken));
            foreach (var finding in report.Findings) await Console.Error.WriteLineAsync(PlainText.Of(finding));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{report.Events} events in {report.Pages} pages, digest {report.Digest}: {(report.IsSound ? "sound" : $"{report.Findings.Count} findings")}"));
            return report.IsSound ? 0 : 1;
        });
        return command;
    }
}
