using System.IO.Compression;
using Dequeue.Contracts.Rest;
using Dequeue.Sync.Paging;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Dequeue.Functions.Http;

/// <summary>
/// A page of events as it stands in the log: spliced into the answer, and gzipped for a client that takes it. What is sent is let
/// go at once, and a client that takes nothing is cut off.
/// </summary>
/// <param name="page">The page. Its runs are taken out one by one.</param>
/// <param name="tellsPosition">Whether the client is told how many events of the log it holds then: it says such things itself.</param>
/// <param name="lease">The memory that it holds; given back as it is sent.</param>
/// <param name="clock">Tells how slow the client is.</param>
internal sealed class EventPageResult(PulledPage page, bool tellsPosition, MemoryLease lease, TimeProvider clock) : IResult
{
    /// <summary>Below this many bytes of events a gzip wrapper gains nothing.</summary>
    private const int MinBytesToCompress = 1024;

    /// <summary>Bytes that are written at once: as much as the server buffers for a connection.</summary>
    private const int WriteBytes = 64 * 1024;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        var suffix = EventPageBody.Suffix(page.NextCheckpoint, page.HasMore, page.Epoch, tellsPosition ? page.Position : null);
        response.ContentType = "application/json";
        response.Headers.CacheControl = "private, no-store";
        response.Headers.Append(HeaderNames.Vary, HeaderNames.AcceptEncoding);
        if (page.EventBytes >= MinBytesToCompress && AcceptsGzip(httpContext.Request))
        {
            response.Headers.ContentEncoding = "gzip";
            await using var gzip = new GZipStream(response.Body, CompressionLevel.Fastest, leaveOpen: true);
            await SendAsync(httpContext, gzip, suffix);
            return;
        }

        response.ContentLength = EventPageBody.Prefix.Length + page.EventBytes + suffix.Length;
        await SendAsync(httpContext, response.Body, suffix);
    }

    private async Task SendAsync(HttpContext httpContext, Stream body, byte[] suffix)
    {
        using var pace = new Pace(clock, httpContext.RequestAborted);
        try
        {
            await WriteAsync(body, suffix, pace);
        }
        catch (OperationCanceledException) when (pace.IsTooSlow)
        {
            // The answer has begun: it can only break off.
            httpContext.Abort();
        }
    }

    private async Task WriteAsync(Stream body, byte[] suffix, Pace pace)
    {
        await body.WriteAsync(Prefix, pace.Token);
        var passed = 0L;
        for (var isFirst = true; page.Runs.TryDequeue(out var run); isFirst = false)
        {
            if (!isFirst) await body.WriteAsync(Comma, pace.Token);
            for (var rest = run.Json; rest.Length > 0;)
            {
                var some = rest[..Math.Min(rest.Length, WriteBytes)];
                await body.WriteAsync(some, pace.Token);
                pace.Passed(passed += some.Length);
                rest = rest[some.Length..];
            }

            lease.Shrink(page.EventBytes - passed);
        }

        await body.WriteAsync(suffix, pace.Token);
    }

    private static readonly byte[] Prefix = EventPageBody.Prefix.ToArray();
    private static readonly byte[] Comma = [(byte)','];

    private static bool AcceptsGzip(HttpRequest request)
        => StringWithQualityHeaderValue.TryParseList(request.Headers.AcceptEncoding, out var accepted)
            && accepted.Any(coding => coding.Value.Equals("gzip", StringComparison.OrdinalIgnoreCase) && coding.Quality is null or > 0);
}
