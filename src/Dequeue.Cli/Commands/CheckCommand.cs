using System.CommandLine;
using Dequeue.Cli.Terminal;
using Dequeue.Client;

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
            var (report, log) = await stored.UseAsync(parsed, async (events, log) => (await events.CheckAsync(log, cancellationToken), log));
            if (report is { IsSound: true, Events: 0, Pages: 0 })
            {
                await Console.Error.WriteLineAsync(StoredLog.Absent(log));
                return 1;
            }

            foreach (var finding in report.Findings) await Console.Error.WriteLineAsync(PlainText.Of(finding));
            var verdict = report.IsSound ? "sound" : Counted.Of(report.Findings.Count, "finding");
            Console.WriteLine($"{Counted.Of(report.Events, "event", Counted.Digits)} in {Counted.Of(report.Pages, "page", Counted.Digits)}, digest {report.Digest}: {verdict}");
            return report.IsSound ? 0 : 1;
        });
        return command;
    }
}
