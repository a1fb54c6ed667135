using System.CommandLine;
using Dequeue.Client;
using Dequeue.Contracts;

namespace Dequeue.Cli.Commands;

/// <summary>The options of every command that is a client of a server.</summary>
internal sealed class ClientOptions
{
    private const string TokenVariable = "DEQUEUE_TOKEN";

    private readonly Option<string> _server = new("--server") { Description = "URL of the backend", DefaultValueFactory = _ => "http://127.0.0.1:7071" };
    private readonly Option<string?> _token = new("--token") { Description = $"Bearer token; default the environment variable {TokenVariable}" };
    private readonly Option<string?> _app = new("--app") { Description = "App; default the server's default app" };

    public void AddTo(Command command)
    {
        command.Options.Add(_server);
        command.Options.Add(_token);
        command.Options.Add(_app);
    }

    public SyncOptions Read(ParseResult parsed)
    {
        if (!Uri.TryCreate(parsed.GetValue(_server), UriKind.Absolute, out var server) || server.Scheme is not ("http" or "https"))
            throw new UsageException("--server is an http or https URL.");
        AppId? app = parsed.GetValue(_app) is not { } name ? null
            : AppId.TryParse(name, out var id) ? id
            : throw new UsageException($"--app is 1 to {AppId.MaxLength} of A-Z a-z 0-9 . _ -");
        return new SyncOptions { Server = server, App = app };
    }

    /// <summary>Ends the command at once when nobody answers at the URL.</summary>
    /// <exception cref="HttpRequestException">Nobody does; the message is one sentence.</exception>
    public async Task RequireServerAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (await ServerProbe.AbsenceAsync(Read(parsed).Server, cancellationToken) is { } absence) throw new HttpRequestException(absence);
    }

    public TokenProvider Token(ParseResult parsed)
    {
        var token = parsed.GetValue(_token) ?? Environment.GetEnvironmentVariable(TokenVariable);
        return string.IsNullOrWhiteSpace(token)
            ? throw new UsageException($"--token is missing (or {TokenVariable}); `dequeue token --user U` makes one for a local server.")
            : (_, _) => ValueTask.FromResult(token);
    }
}
