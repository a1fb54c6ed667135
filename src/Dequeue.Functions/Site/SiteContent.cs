using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Site;

/// <summary>What every file of a page is sent with.</summary>
internal static class SiteContent
{
    /// <summary>What a file is, by the end of its name.</summary>
    public static string MediaTypeOf(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        var other => throw new InvalidOperationException($"The page has no {other} files."),
    };

    /// <summary>Lets a browser do with it what it is meant for, and nothing else.</summary>
    /// <param name="headers">The answer's.</param>
    /// <param name="policy">The Content-Security-Policy.</param>
    public static void Protect(IHeaderDictionary headers, string policy)
    {
        headers.ContentSecurityPolicy = policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
    }
}
