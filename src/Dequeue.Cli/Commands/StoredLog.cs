using System.CommandLine;
using Dequeue.Contracts;
using Dequeue.Sync.Log;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.Cli.Commands;

/// <summary>The options of a command that works on one log where it is stored, without a server.</summary>
internal sealed class StoredLog
{
    private readonly Option<string> _user = new("--user") { Description = "Whose log", Required = true };
    private readonly Option<string> _app = new("--app") { Description = "Of which app", DefaultValueFactory = _ => "dequeue" };
    private readonly StoredLogs _storage = new();

    public void AddTo(Command command)
    {
        command.Options.Add(_user);
        command.Options.Add(_app);
        _storage.AddTo(command);
    }

    /// <summary>Says that there is none.</summary>
    public static string Absent(LogKey log) => $"There is no log of user {log.User} in app {log.App}.";

    /// <summary>The data folder, as it was named.</summary>
    public string? DataFolderOf(ParseResult parsed) => _storage.DataFolderOf(parsed);

    /// <summary>Does something with the log.</summary>
    public async Task<T> UseAsync<T>(ParseResult parsed, Func<EventLog, LogKey, Task<T>> work)
    {
        if (!UserId.TryParse(parsed.GetRequiredValue(_user), out var user)) throw new UsageException($"--user is 1 to {UserId.MaxLength} printable characters.");
        if (!AppId.TryParse(parsed.GetRequiredValue(_app), out var app)) throw new UsageException($"--app is 1 to {AppId.MaxLength} of A-Z a-z 0-9 . _ -");
        return await _storage.UseAsync(
            parsed, table => work(new EventLog(table, TimeProvider.System, NullLogger<EventLog>.Instance), new LogKey(app, user)));
    }
}
