using System.Text;
using Azure.Core;
using Dequeue.WebPubSub;
using Azure.Messaging.WebPubSub;
using Dequeue.WebPubSub.Tokens;

namespace Dequeue.WebPubSub.Tests;

/// <summary>A running service on a free port with a service client for the hub "chat".</summary>
public sealed class ServiceFixture : IAsyncDisposable
{
    public const string Hub = "chat";

    /// <summary>Longer than any test takes, on a busy machine too.</summary>
    public static readonly TimeSpan LongTime = TimeSpan.FromMinutes(10);

    private ServiceFixture(WebPubSubServer server)
    {
        Server = server;
        Client = new WebPubSubServiceClient(server.ConnectionString, Hub);
    }

    public WebPubSubServer Server { get; }

    public WebPubSubServiceClient Client { get; }

    public static async Task<ServiceFixture> StartAsync(CancellationToken cancellationToken, WebPubSubServerOptions? options = null)
    {
        var server = new WebPubSubServer(options ?? Patient(new WebPubSubLimits { CloseTimeout = LongTime }));
        await server.StartAsync(cancellationToken);
        return new ServiceFixture(server);
    }

    /// <summary>Options under which a test client may take its time: .NET's answers pings and closes only while it reads.</summary>
    public static WebPubSubServerOptions Patient(WebPubSubLimits limits) => new() { Port = 0, KeepAliveInterval = LongTime, Limits = limits };

    /// <summary>A client URL for a user.</summary>
    public Task<Uri> UrlAsync(string? user = null, string[]? roles = null, string[]? groups = null)
        => Client.GetClientAccessUriAsync(userId: user, roles: roles, groups: groups, cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>A JSON client that may do everything.</summary>
    public async Task<RawClient> ConnectJsonAsync(CancellationToken cancellationToken, string? user = null, bool reliable = false, params string[] groups)
        => await RawClient.ConnectJsonAsync(
            await UrlAsync(user, ["webpubsub.sendToGroup", "webpubsub.joinLeaveGroup"], groups), cancellationToken, reliable);

    /// <summary>A token over any claims, signed with the service's key.</summary>
    public static string Sign(string claims) => JsonWebToken.Sign(Encoding.UTF8.GetBytes(WebPubSubServerOptions.DefaultAccessKey), Encoding.UTF8.GetBytes(claims));

    public async Task<string[]> SendTextAsync(string group, params string[] texts)
    {
        foreach (var text in texts) await Client.SendToGroupAsync(group, RequestContent.Create(text), ContentType.TextPlain);
        return texts;
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
