using System.Collections.Frozen;
using System.Text;
using Dequeue.Functions.Configuration;
using Dequeue.Functions.Http;
using Dequeue.Sync.Streaming;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Site;

/// <summary>
/// The files of the page and of the client that it uses, embedded in this assembly: small ones, kept in memory. The page may load scripts
/// and styles from here alone, and talk to this server, its Web PubSub and its storage of pages alone.
/// </summary>
public sealed class SiteFiles
{
    internal const string Index = "index.html";

    /// <summary>What the names of the client's modules begin with.</summary>
    internal const string ClientFolder = "client/";

    /// <summary>How the project file names the embedded resources.</summary>
    private const string ResourcePrefix = "page/";

    /// <summary>What <see cref="Index"/> has in the place of the default app's id, which needs no escaping.</summary>
    private const string AppPlaceholder = "{{app}}";

    /// <summary>And in the place of whether pages may come by reference.</summary>
    private const string ReferencesPlaceholder = "{{references}}";

    private readonly FrozenDictionary<string, PageFile> _files;

    /// <summary>The page of a deployment.</summary>
    public SiteFiles(BackendSettings settings, PageOffers offers)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(offers);
        var policy = ContentSecurityPolicy(settings.WebPubSub, offers.Origin);
        _files = typeof(SiteFiles).Assembly.GetManifestResourceNames()
            .Where(resource => resource.StartsWith(ResourcePrefix, StringComparison.Ordinal))
            .Select(resource => new PageFile(resource[ResourcePrefix.Length..], Read(resource, settings, offers), policy))
            .ToFrozenDictionary(file => file.Name, StringComparer.Ordinal);
    }

    /// <summary>The file of a name, or 404.</summary>
    public IResult Find(string name) => _files.TryGetValue(name, out var file) ? file : Results.NotFound();

    private static byte[] Read(string resource, BackendSettings settings, PageOffers offers)
    {
        using var reader = new StreamReader(typeof(SiteFiles).Assembly.GetManifestResourceStream(resource)!);
        var text = reader.ReadToEnd();
        if (resource != ResourcePrefix + Index) return Encoding.UTF8.GetBytes(text);
        return Encoding.UTF8.GetBytes(text
            .Replace(AppPlaceholder, settings.Apps.Default.Value, StringComparison.Ordinal)
            .Replace(ReferencesPlaceholder, offers.Origin is null ? "false" : "true", StringComparison.Ordinal));
    }

    private static string ContentSecurityPolicy(WebPubSubSettings webPubSub, Uri? pages)
    {
        var service = webPubSub.Endpoint;

        // Behind the page's own origin 'self' covers the sockets.
        var sockets = webPubSub.PublicUrlHeader is not null ? ""
            : " " + new UriBuilder(service) { Scheme = service.Scheme == Uri.UriSchemeHttps ? "wss" : "ws" }.Uri.GetLeftPart(UriPartial.Authority);
        var references = pages is null ? "" : " " + pages.GetLeftPart(UriPartial.Authority);
        return $"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'{sockets}{references}; img-src 'self' data:; "
            + "base-uri 'none'; frame-ancestors 'none'; form-action 'none'";
    }

    private sealed class PageFile(string name, byte[] content, string policy) : IResult
    {
        private readonly TaggedContent _content = new(content, SiteContent.MediaTypeOf(name));

        public string Name => name;

        public Task ExecuteAsync(HttpContext httpContext)
        {
            SiteContent.Protect(httpContext.Response.Headers, policy);

            // Tagged: files of two versions never mix.
            return _content.ExecuteAsync(httpContext);
        }
    }
}
