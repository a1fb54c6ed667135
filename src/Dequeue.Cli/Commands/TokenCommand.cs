using System.CommandLine;
using System.Text;
using Dequeue.Cli.Serving;
using Dequeue.Contracts;
using Dequeue.Functions.Auth;

namespace Dequeue.Cli.Commands;

/// <summary><c>dequeue token</c>: a development token for the server that uses the same data folder.</summary>
internal static class TokenCommand
{
    public static Command Create()
    {
        var user = new Option<string>("--user") { Description = "The user that the token names", Required = true };
        var app = new Option<string>("--app") { Description = "The app that it opens", DefaultValueFactory = _ => "dequeue" };
        var minutes = new Option<int>("--minutes") { Description = "How long it is valid", DefaultValueFactory = _ => 60 };
        var data = new ServerOptions().Data;
        var command = new Command("token", "Prints a development token, for a server with the same data folder. Production servers refuse it.\n\nExample: dequeue token --user ada --minutes 60") { user, app, minutes, data };
        command.SetAction(parsed =>
        {
            if (!UserId.TryParse(parsed.GetRequiredValue(user), out var userId) || userId.HasBlankEnds)
                throw new UsageException($"--user is 1 to {UserId.MaxLength} printable characters, none of them blank at either end.");
            if (!AppId.TryParse(parsed.GetRequiredValue(app), out var appId)) throw new UsageException($"--app is 1 to {AppId.MaxLength} of A-Z a-z 0-9 . _ -");
            if (parsed.GetValue(minutes) is < 1 or > 525_600) throw new UsageException("--minutes is 1 to 525600.");
            var key = Encoding.UTF8.GetBytes(DataFolder.Open(parsed.GetValue(data)).DevSigningKey());
            Console.WriteLine(DevTokens.Create(key, userId, appId, TimeProvider.System.GetUtcNow(), TimeSpan.FromMinutes(parsed.GetValue(minutes))));
            return 0;
        });
        return command;
    }
}
