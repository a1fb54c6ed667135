using Dequeue.Cli.Serving;
using Dequeue.Contracts;
using Dequeue.Functions.Auth;
using Dequeue.Functions.Configuration;
using Dequeue.Functions.Upstream;
using Dequeue.FunctionsHost;
using Dequeue.WebPubSub;

namespace Dequeue.Site.Tests;

/// <summary>The functions and Web PubSub as two servers, as in the cloud: one of them can stop.</summary>
internal sealed class PartedBackend : IAsyncDisposable
{
    private const string Key = "a-key-of-tests-with-more-than-32-characters";

    private readonly DirectoryInfo _folder;
    private readonly FunctionsHostServer _functions;

    private PartedBackend(DirectoryInfo folder, WebPubSubServer webPubSub, FunctionsHostServer functions)
        => (_folder, WebPubSub, _functions) = (folder, webPubSub, functions);

    public Uri Address => _functions.Address;

    public WebPubSubServer WebPubSub { get; }

    public static string Token(string user)
        => DevTokens.Create(System.Text.Encoding.UTF8.GetBytes(Key), UserId.Parse(user), AppId.Parse("dequeue"), TimeProvider.System.GetUtcNow(), TimeSpan.FromHours(1));

    public static async Task<PartedBackend> StartAsync(string? storage = null)
    {
        var folder = Directory.CreateTempSubdirectory("dequeue-page-");
        var webPubSub = new WebPubSubServer(new WebPubSubServerOptions { Port = 0 });
        await webPubSub.StartAsync(CancellationToken.None);
        var functions = new FunctionsHostServer(new FunctionsHostOptions
        {
            AppFolder = LocalBackend.FunctionsFolder,
            Listen = new Uri("http://127.0.0.1:0"),
            StateFolder = folder.FullName,
            Settings = new Dictionary<string, string?>
            {
                ["WebPubSubConnectionString"] = webPubSub.ConnectionString,
                ["EventLog:Storage"] = storage ?? "sqlite:" + Path.Combine(folder.FullName, "events.db"),
                ["Auth:DevSigningKey"] = Key,
            },
        });
        await functions.StartAsync(CancellationToken.None);
        var backend = new PartedBackend(folder, webPubSub, functions);
        webPubSub.SetEventHandlers(WebPubSubSettings.Hub, new WebPubSubEventHandler(
            new Uri(backend.Address, UpstreamFunction.Route).AbsoluteUri, systemEvents: WebPubSubSystemEvents.Connect | WebPubSubSystemEvents.Disconnected));
        return backend;
    }

    public async ValueTask DisposeAsync()
    {
        await WebPubSub.DisposeAsync();
        await _functions.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
