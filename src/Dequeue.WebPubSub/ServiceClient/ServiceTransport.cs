using Azure.Core.Pipeline;

namespace Dequeue.WebPubSub.ServiceClient;

/// <summary>The HTTP connections of all service clients in the process, kept open between calls.</summary>
internal static class ServiceTransport
{
    private static readonly Lazy<HttpClientTransport> Direct = new(() => Create(useProxy: false));
    private static readonly Lazy<HttpClientTransport> Proxied = new(() => Create(useProxy: true));

    /// <summary>The transport for an endpoint: one on this machine is never reached through a proxy.</summary>
    public static HttpClientTransport For(Uri endpoint) => endpoint.IsLoopback ? Direct.Value : Proxied.Value;

    private static HttpClientTransport Create(bool useProxy) => new(new HttpClient(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = useProxy,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    });
}
