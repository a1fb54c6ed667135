using System.CommandLine;
using Azure;
using Azure.Identity;
using Azure.Messaging.WebPubSub;
using Dequeue.Cli.Serving;
using Dequeue.Functions.Configuration;
using Dequeue.Functions.Streaming;
using Dequeue.Sync.Log;

namespace Dequeue.Cli.Commands;

/// <summary>The devices that are connected just now: they are let go when their log has become another one, so that they ask anew.</summary>
internal sealed class OpenConnections
{
    private const string Variable = "WebPubSubConnectionString", EndpointVariable = "WebPubSub__Endpoint";
    private const string Reason = "The log has changed; connect again.";

    private readonly Option<string?> _webPubSub = new("--web-pubsub")
    {
        Description = $"Web PubSub whose connections are closed: a connection string, or an https endpoint; default {Variable} or {EndpointVariable}, else that of the server that runs on the data folder",
    };

    public void AddTo(Command command) => command.Options.Add(_webPubSub);

    /// <summary>Closes those of one user, or of all.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="dataFolder">The data folder, as it was named.</param>
    /// <param name="log">Whose; null for everybody's.</param>
    /// <returns>One sentence that says what was done.</returns>
    public async Task<string> CloseAsync(ParseResult parsed, string? dataFolder, LogKey? log)
    {
        if (Service(parsed, dataFolder) is not { } service)
            return "No Web PubSub is known here (--web-pubsub): who is connected notices when it asks the next time.";
        try
        {
            await (log is { } one ? service.CloseUserConnectionsAsync(ConnectionUser.Format(one), reason: Reason) : service.CloseAllConnectionsAsync(reason: Reason));
            return "Open connections were closed.";
        }
        catch (Exception failure) when (failure is RequestFailedException or AggregateException or AuthenticationFailedException)
        {
            return "Web PubSub does not answer: who is connected notices when it asks the next time.";
        }
    }

    private WebPubSubServiceClient? Service(ParseResult parsed, string? dataFolder)
    {
        var named = parsed.GetValue(_webPubSub) ?? Setting(Variable) ?? Setting(EndpointVariable);
        if (named is null)
        {
            var data = File.Exists(DataFolder.EventsIn(dataFolder)) ? DataFolder.Open(dataFolder) : null;
            named = data?.WebPubSubEndpoint is { } endpoint ? $"Endpoint={endpoint};AccessKey={data.WebPubSubKey()};Version=1.0;" : null;
        }

        if (named is null) return null;
        if (named.Contains("AccessKey=", StringComparison.OrdinalIgnoreCase)) return new WebPubSubServiceClient(named, WebPubSubSettings.Hub);
        return Uri.TryCreate(named, UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttps
            ? new WebPubSubServiceClient(address, WebPubSubSettings.Hub, new DefaultAzureCredential())
            : throw new UsageException("--web-pubsub is Endpoint=https://…;AccessKey=…;Version=1.0; or an https URL.");
    }

    private static string? Setting(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
