using System.IO.Compression;
using Dequeue.Contracts.Rest;
using Dequeue.Sync.Paging;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Dequeue.Functions.Http;

/// <summary>A page of events as it stands in the log: spliced into the answer, and gzipped for a client that takes it.</summary>
internal sealed class EventPageResult(PulledPage page) : IResult
{
    /// <summary>Below this many bytes of events a gzip wrapper gains nothing.</summary>
    private const int MinBytesToCompress = 1024;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        var suffix = EventPageBody.Suffix(page.NextCheckpoint, page.HasMore);
        var eventBytes = page.Runs.Sum(run => (long)run.Json.Length) + Math.Max(0, page.Runs.Count - 1);
        response.ContentType = "application/json";
        response.Headers.CacheControl = "private, no-store";
        response.Headers.Append(HeaderNames.Vary, HeaderNames.AcceptEncoding);
        if (eventBytes >= MinBytesToCompress && AcceptsGzip(httpContext.Request))
        {
            response.Headers.ContentEncoding = "gzip";
            await using var gzip = new GZipStream(response.Body, CompressionLevel.Fastest, leaveOpen: true);
            await WriteAsync(gzip, suffix, httpContext.RequestAborted);
            return;
        }

        response.ContentLength = EventPageBody.Prefix.Length + eventBytes + suffix.Length;
        await WriteAsync(response.Body, suffix, httpContext.RequestAborted);
    }

    private async Task WriteAsync(Stream body, byte[] suffix, CancellationToken cancellationToken)
    {
        await body.WriteAsync(Prefix, cancellationToken);
        for (var i = 0; i < page.Runs.Count; i++)
        {
            if (i > 0) await body.WriteAsync(Comma, cancellationToken);
            await body.WriteAsync(page.Runs[i].Json, cancellationToken);
        }

        await body.WriteAsync(suffix, cancellationToken);
    }

    private static readonly byte[] Prefix = EventPageBody.Prefix.ToArray();
    private static readonly byte[] Comma = [(byte)','];

    private static bool AcceptsGzip(HttpRequest request)
        => StringWithQualityHeaderValue.TryParseList(request.Headers.AcceptEncoding, out var accepted)
            && accepted.Any(coding => coding.Value.Equals("gzip", StringComparison.OrdinalIgnoreCase) && coding.Quality is null or > 0);
}
