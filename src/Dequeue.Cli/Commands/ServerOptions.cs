using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Dequeue.Cli.Serving;
using Microsoft.Extensions.Logging;

namespace Dequeue.Cli.Commands;

/// <summary>The options of every command that runs a server.</summary>
internal sealed class ServerOptions
{
    private readonly Option<int> _port = new("--port") { Description = "Port of the REST calls and the stream; 0 for any free one", DefaultValueFactory = _ => 7071 };
    private readonly Option<int> _pubSubPort = new("--pubsub-port") { Description = "Port of Web PubSub; 0 for any free one", DefaultValueFactory = _ => 8080 };
    private readonly Option<bool> _verbose = new("--verbose") { Description = "Log what happens, to stderr" };

    public Option<string?> Data { get; } = new("--data") { Description = "Folder for state; default the user's own application data" };

    public Option<string?> Storage { get; } = new("--storage") { Description = "sqlite:PATH, a Tables connection string, UseDevelopmentStorage=true, or a table endpoint URL; default SQLite in the data folder" };

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _port, _pubSubPort, Data, Storage, _verbose }) command.Options.Add(option);
        foreach (var port in new[] { _port, _pubSubPort })
        {
            port.Validators.Add(result =>
            {
                if (result.Tokens is [var word] && int.TryParse(word.Value, CultureInfo.InvariantCulture, out var number) && number is < 0 or > 65535) result.AddError($"{port.Name} is 0 to 65535.");
            });
        }
    }

    public BackendOptions Read(ParseResult parsed)
        => new()
        {
            Port = parsed.GetValue(_port),
            PubSubPort = parsed.GetValue(_pubSubPort),
            DataFolder = parsed.GetValue(Data),
            Storage = parsed.GetValue(Storage),
            LogLevel = parsed.GetValue(_verbose) ? LogLevel.Information : LogLevel.Warning,
        };

    /// <summary>Whether the port of the REST calls was chosen.</summary>
    public bool NamesMainPort(ParseResult parsed) => parsed.GetResult(_port) is { Implicit: false };

    /// <summary>Whether the user chose a port himself, so that another one would surprise him.</summary>
    public bool NamesPort(ParseResult parsed) => parsed.GetResult(_port) is { Implicit: false } || parsed.GetResult(_pubSubPort) is { Implicit: false };
}
