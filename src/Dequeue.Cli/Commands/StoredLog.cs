using System.CommandLine;
using Dequeue.Cli.Serving;
using Dequeue.Contracts;
using Dequeue.Storage;
using Dequeue.Sync.Log;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dequeue.Cli.Commands;

/// <summary>The options of a command that works on one log where it is stored, without a server.</summary>
internal sealed class StoredLog
{
    private readonly Option<string> _user = new("--user") { Description = "Whose log", Required = true };
    private readonly Option<string> _app = new("--app") { Description = "Of which app", DefaultValueFactory = _ => "dequeue" };
    private readonly ServerOptions _server = new();

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _user, _app, _server.Data, _server.Storage }) command.Options.Add(option);
    }

    /// <summary>Does something with the log.</summary>
    public async Task<T> UseAsync<T>(ParseResult parsed, Func<EventLog, LogKey, Task<T>> work)
    {
        if (!UserId.TryParse(parsed.GetRequiredValue(_user), out var user)) throw new UsageException($"--user is 1 to {UserId.MaxLength} printable characters.");
        if (!AppId.TryParse(parsed.GetRequiredValue(_app), out var app)) throw new UsageException($"--app is 1 to {AppId.MaxLength} of A-Z a-z 0-9 . _ -");
        var table = EventLogStorage.Open(parsed.GetValue(_server.Storage) ?? "sqlite:" + DataFolder.Open(parsed.GetValue(_server.Data)).Events);
        try
        {
            return await work(new EventLog(table, TimeProvider.System, NullLogger<EventLog>.Instance), new LogKey(app, user));
        }
        finally
        {
            (table as IDisposable)?.Dispose();
        }
    }
}
