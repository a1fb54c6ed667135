using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Site;

/// <summary>The web page: the sync of a fresh device, a race of both transports and the live tail, in a browser.</summary>
public sealed class SiteFunctions(SiteFiles files)
{
    /// <summary>
    /// Matches the root alone. An empty route would mean the function's name in the Functions host, and a slash is malformed
    /// behind an empty prefix in the worker. In the cloud <c>AzureWebJobsDisableHomepage</c> must be true, or the host answers
    /// with its own page.
    /// </summary>
    private const string Root = "{ignored:maxlength(0)?}";

    /// <summary><c>GET /</c>.</summary>
    [Function("Page")]
    public IResult Index([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = Root)] HttpRequest request) => files.Find(SiteFiles.Index);

    /// <summary><c>GET /page/{name}</c>: a script, a style sheet, an image.</summary>
    [Function("PageFile")]
    public IResult File([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "page/{name}")] HttpRequest request, string name) => files.Find(name);

    /// <summary><c>GET /page/client/{name}</c>: a module of the client, as it lies in src/dequeue-client.</summary>
    [Function("PageClientFile")]
    public IResult ClientFile([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "page/client/{name}")] HttpRequest request, string name)
        => files.Find(SiteFiles.ClientFolder + name);
}
