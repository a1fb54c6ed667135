using Dequeue.Contracts;
using Dequeue.Functions;
using Dequeue.Functions.Auth;
using Dequeue.Functions.Configuration;
using Dequeue.Functions.Upstream;
using Dequeue.Local.WebPubSub;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dequeue.Page.Tests;

/// <summary>The functions and Web PubSub as two servers, as in the cloud: one of them can stop.</summary>
internal sealed class PartedBackend : IAsyncDisposable
{
    private const string Key = "a-key-of-tests-with-more-than-32-characters";

    private readonly DirectoryInfo _folder;
    private readonly IHost _functions;

    private PartedBackend(DirectoryInfo folder, WebPubSubServer webPubSub, IHost functions)
    {
        (_folder, WebPubSub, _functions) = (folder, webPubSub, functions);
        Address = new Uri(functions.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    public Uri Address { get; }

    public WebPubSubServer WebPubSub { get; }

    public static string Token(string user)
        => DevTokens.Create(System.Text.Encoding.UTF8.GetBytes(Key), UserId.Parse(user), AppId.Parse("dequeue"), TimeProvider.System.GetUtcNow(), TimeSpan.FromHours(1));

    public static async Task<PartedBackend> StartAsync(string? storage = null)
    {
        var folder = Directory.CreateTempSubdirectory("dequeue-page-");
        var webPubSub = new WebPubSubServer(new WebPubSubServerOptions { Port = 0 });
        await webPubSub.StartAsync(CancellationToken.None);
        var builder = SyncBackend.CreateBuilder(["--urls", "http://127.0.0.1:0"], new Dictionary<string, string?>
        {
            ["WebPubSubConnectionString"] = webPubSub.ConnectionString,
            ["EventLog:Storage"] = storage ?? "sqlite:" + Path.Combine(folder.FullName, "events.db"),
            ["Durable:Path"] = Path.Combine(folder.FullName, "durable.db"),
            ["Auth:DevSigningKey"] = Key,
            ["AZURE_FUNCTIONS_ENVIRONMENT"] = "Development",
        });
        builder.Logging.ClearProviders();
        var functions = builder.Build();
        await functions.StartAsync();
        var backend = new PartedBackend(folder, webPubSub, functions);
        webPubSub.SetEventHandlers(WebPubSubSettings.Hub, new WebPubSubEventHandler(
            new Uri(backend.Address, UpstreamFunction.Route).AbsoluteUri, systemEvents: WebPubSubSystemEvents.Connect | WebPubSubSystemEvents.Disconnected));
        return backend;
    }

    public async ValueTask DisposeAsync()
    {
        await WebPubSub.DisposeAsync();
        await _functions.StopAsync();
        _functions.Dispose();
        _folder.Delete(recursive: true);
    }
}
