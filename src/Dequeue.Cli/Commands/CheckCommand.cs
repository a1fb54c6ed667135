using System.CommandLine;
using System.Globalization;
using Dequeue.Cli.Serving;
using Dequeue.Contracts;
using Dequeue.Storage;
using Dequeue.Sync.Log;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.Cli.Commands;

/// <summary><c>dequeue check</c>: verifies a log where it is stored.</summary>
internal static class CheckCommand
{
    public static Command Create()
    {
        var user = new Option<string>("--user") { Description = "Whose log", Required = true };
        var app = new Option<string>("--app") { Description = "Of which app", DefaultValueFactory = _ => "dequeue" };
        var server = new ServerOptions();
        var command = new Command("check", "Verifies a log: order, counts, digests, id rows. Says what is wrong; changes nothing. A server may be running.") { user, app, server.Data, server.Storage };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (!UserId.TryParse(parsed.GetRequiredValue(user), out var userId)) throw new UsageException($"--user is 1 to {UserId.MaxLength} printable characters.");
            if (!AppId.TryParse(parsed.GetRequiredValue(app), out var appId)) throw new UsageException($"--app is 1 to {AppId.MaxLength} of A-Z a-z 0-9 . _ -");
            var table = EventLogStorage.Open(parsed.GetValue(server.Storage) ?? "sqlite:" + DataFolder.Open(parsed.GetValue(server.Data)).Events);
            var log = new EventLog(table, TimeProvider.System, NullLogger<EventLog>.Instance);
            var report = await log.CheckAsync(new LogKey(appId, userId), cancellationToken);
            foreach (var finding in report.Findings) await Console.Error.WriteLineAsync(finding);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{report.Events} events in {report.Pages} pages, digest {report.Digest}: {(report.IsSound ? "sound" : $"{report.Findings.Count} findings")}"));
            (table as IDisposable)?.Dispose();
            return report.IsSound ? 0 : 1;
        });
        return command;
    }
}
