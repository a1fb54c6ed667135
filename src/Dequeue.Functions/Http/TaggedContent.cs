using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Dequeue.Functions.Http;

/// <summary>Content that is part of a deployment: asked for each time, and answered by 304 until a deployment changes it.</summary>
internal sealed class TaggedContent(byte[] content, string mediaType) : IResult
{
    private readonly EntityTagHeaderValue _tag = new($"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 16))}\"");

    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.Headers.CacheControl = "no-cache";
        return Results.Bytes(content, mediaType, entityTag: _tag).ExecuteAsync(httpContext);
    }
}
