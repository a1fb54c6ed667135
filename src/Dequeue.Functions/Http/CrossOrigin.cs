using Dequeue.Functions.Configuration;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Dequeue.Functions.Http;

/// <summary>
/// What a browser wants to hear before it lets a page of another origin read an answer (CORS). No call reads a cookie, so that it never
/// hears that credentials may come along.
/// </summary>
internal static class CrossOrigin
{
    /// <summary>Seconds that a browser may remember a permission: two hours, the most that Chromium keeps.</summary>
    private const string MaxAge = "7200";

    /// <summary>Lets pages of these origins read the answer of a call.</summary>
    /// <returns>Whether its page may.</returns>
    public static bool Allow(this HttpRequest request, AllowedOrigins origins)
    {
        if (origins.IsEmpty) return false;
        var headers = request.HttpContext.Response.Headers;
        headers.Append(HeaderNames.Vary, HeaderNames.Origin);
        var origin = request.Headers.Origin.ToString();
        if (origin.Length == 0 || !origins.Allow(origin)) return false;
        headers.AccessControlAllowOrigin = origin;
        headers.AccessControlExposeHeaders = HeaderNames.RetryAfter;
        return true;
    }

    /// <summary>Answers the question that comes before a call with a token.</summary>
    public static IResult Preflight(this HttpRequest request, AllowedOrigins origins)
    {
        if (!request.Allow(origins)) return Results.NoContent();
        var headers = request.HttpContext.Response.Headers;
        headers.AccessControlAllowMethods = "GET, POST";
        headers.AccessControlAllowHeaders = $"{HeaderNames.Authorization}, {HeaderNames.ContentType}";
        headers.AccessControlMaxAge = MaxAge;
        return Results.NoContent();
    }
}
