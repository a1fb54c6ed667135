using System.Net;
using System.Net.Security;
using Dequeue.Cli.Operating;
using Dequeue.Functions.Upstream;
using Dequeue.WebPubSub;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using IPNetwork = System.Net.IPNetwork;

namespace Dequeue.Cli.Serving;

/// <summary>
/// How others than this machine reach a server. One address serves all that is public: the functions, the gateway, and the sockets of Web
/// PubSub's clients. What this machine alone may call has a port of its own.
/// </summary>
public sealed record PublicSide
{
    /// <summary>The header that tells the functions at which URL a caller reached this server. What a client sends in it is thrown away.</summary>
    internal const string UrlHeader = "x-dequeue-public-url";

    /// <summary>Where clients of Web PubSub open their sockets, followed by the name of the hub.</summary>
    private const string Sockets = "/client/hubs";

    /// <summary>What nobody but this machine may call: the events of Web PubSub come from this process, and operators are here.</summary>
    private static readonly PathString[] Inside = ["/" + UpstreamFunction.Route, OperatorSide.MetricsPath, OperatorSide.PagePath];

    /// <summary>The address that is listened at. Default 127.0.0.1: a proxy of this machine comes first.</summary>
    public IPAddress Listen { get; init; } = IPAddress.Loopback;

    /// <summary>The URL at which clients reach it, a path behind it if a proxy has it there; null for the one that they call.</summary>
    public Uri? Url { get; init; }

    /// <summary>The proxies whose <c>X-Forwarded-Proto</c>, <c>-Host</c> and <c>-Prefix</c> are believed. Default none.</summary>
    public IReadOnlyList<IPNetwork> Proxies { get; init; } = [];

    /// <summary>The certificate of https; null for http.</summary>
    public Func<SslStreamCertificateContext>? Certificate { get; init; }

    /// <summary>Whether development tokens open a server that others can reach.</summary>
    public bool TakesDevelopmentTokens { get; init; }

    /// <summary>The port of 127.0.0.1 for what runs on this machine; 0 for any free one.</summary>
    public int LocalPort { get; init; }

    /// <summary>Whether others can reach it: by themselves, or through a proxy.</summary>
    internal bool IsPublic => !IPAddress.IsLoopback(Listen) || Proxies.Count > 0 || Url is { IsLoopback: false };

    /// <summary>Handles what comes from outside.</summary>
    /// <param name="pubSub">The Web PubSub of this process.</param>
    /// <param name="isLocal">Whether a request came in by the port of this machine.</param>
    internal Func<HttpContext, RequestDelegate, Task> Handler(WebPubSubServer pubSub, Func<HttpContext, bool> isLocal) => (context, next) =>
    {
        var request = context.Request;
        request.Headers.Remove(UrlHeader);
        if (isLocal(context)) return next(context);
        if (Url is not null)
        {
            (request.Scheme, request.Host) = (Url.Scheme, Url.IsDefaultPort ? new HostString(Url.IdnHost) : new HostString(Url.IdnHost, Url.Port));
            PathString path = Url.AbsolutePath.TrimEnd('/');

            // Some proxies take the path away, others leave it.
            if (path.HasValue && request.Path.StartsWithSegments(path, out var rest)) request.Path = rest.HasValue ? rest : "/";
            request.PathBase = path;
        }

        if (Inside.Any(path => request.Path.StartsWithSegments(path)))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        if (request.Path.StartsWithSegments(Sockets, out var hub) && hub.Value is ['/', .. var name] && !name.Contains('/', StringComparison.Ordinal))
            return pubSub.HandleClientAsync(context, name);
        request.Headers[UrlHeader] = $"{request.Scheme}://{request.Host.ToUriComponent()}{request.PathBase.ToUriComponent()}";
        return next(context);
    };
}

/// <summary>Puts the public side into a pipeline.</summary>
internal static class PublicSideExtensions
{
    /// <summary>Lets it take what comes from outside, and send on what the functions answer.</summary>
    /// <param name="app">The pipeline.</param>
    /// <param name="side">How others reach the server.</param>
    /// <param name="pubSub">The Web PubSub of this process.</param>
    /// <param name="localPort">The port of this machine, asked for when a request comes.</param>
    public static void UsePublicSide(this IApplicationBuilder app, PublicSide side, WebPubSubServer pubSub, Func<int> localPort)
    {
        // Another address may have the same port.
        bool IsLocal(HttpContext context) => context.Connection.LocalPort == localPort() && IPAddress.Loopback.Equals(context.Connection.LocalIpAddress);
        if (side.Proxies.Count > 0)
        {
            var options = new ForwardedHeadersOptions
            {
                ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost | ForwardedHeaders.XForwardedPrefix,
            };
            options.KnownProxies.Clear();
            options.KnownIPNetworks.Clear();
            foreach (var proxy in side.Proxies) options.KnownIPNetworks.Add(proxy);
            app.UseForwardedHeaders(options);
        }

        app.UseWebSockets();
        app.Use(side.Handler(pubSub, IsLocal));
    }
}
