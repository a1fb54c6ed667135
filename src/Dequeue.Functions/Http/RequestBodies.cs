using Dequeue.Sync.Log;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Http;

/// <summary>
/// Reads bodies. Their memory follows what has arrived, never what was announced; it is bounded for each user and in all, and held
/// until the call is answered; and nobody may be slow about sending them.
/// </summary>
public sealed class RequestBodies(MemoryBudget memory, TimeProvider clock)
{
    /// <summary>The first buffer of a body: most fit it, and an announcement costs no more.</summary>
    private const int FirstBytes = 16 * 1024;

    /// <summary>Reads a whole body.</summary>
    /// <param name="request">The call.</param>
    /// <param name="log">Whose it is.</param>
    /// <param name="maxBytes">What it may have at most.</param>
    /// <param name="cancellationToken">The caller has gone.</param>
    public async Task<RequestBodyReading> ReadAsync(HttpRequest request, LogKey log, int maxBytes, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.ContentLength > maxBytes) return RequestBodyReading.Refused(Problems.TooLarge(maxBytes));

        // A body of an announced length never has more: the server sees to it.
        var most = (int)(request.ContentLength ?? maxBytes);
        var first = Math.Min(most, FirstBytes);
        if (memory.TryTake(log, first) is not { } lease) return RequestBodyReading.Refused(Problems.Busy());
        request.HttpContext.Response.RegisterForDispose(lease);
        using var pace = new Pace(clock, cancellationToken);
        try
        {
            var body = new byte[first];
            for (var length = 0; ;)
            {
                if (length == most) return await IsAtEndAsync(request, pace.Token) ? new RequestBodyReading(body, null) : RequestBodyReading.Refused(Problems.TooLarge(maxBytes));
                if (length == body.Length)
                {
                    var size = (int)Math.Min(2L * length, most);
                    if (!lease.TryGrow(size)) return RequestBodyReading.Refused(Problems.Busy());
                    Array.Resize(ref body, size);
                }

                var read = await request.Body.ReadAsync(body.AsMemory(length), pace.Token);
                if (read == 0) return new RequestBodyReading(body.AsMemory(0, length), null);
                pace.Passed(length += read);
            }
        }
        catch (OperationCanceledException) when (pace.IsTooSlow)
        {
            return RequestBodyReading.Refused(Problems.TooSlow());
        }
        catch (BadHttpRequestException refused)
        {
            return RequestBodyReading.Refused(Problems.Of(refused, maxBytes));
        }
        catch (IOException) when (!cancellationToken.IsCancellationRequested)
        {
            // Chunks of impossible sizes, and what else breaks HTTP in the middle of a body.
            return RequestBodyReading.Refused(Problems.Invalid("The body breaks off, or is not what HTTP wants."));
        }
    }

    private static async ValueTask<bool> IsAtEndAsync(HttpRequest request, CancellationToken cancellationToken)
        => request.ContentLength is not null || await request.Body.ReadAsync(new byte[1], cancellationToken) == 0;
}

/// <summary>What came of reading a body.</summary>
/// <param name="Bytes">The body. Nobody else uses the memory.</param>
/// <param name="Refusal">Why it was not read, or null.</param>
public readonly record struct RequestBodyReading(ReadOnlyMemory<byte> Bytes, IResult? Refusal)
{
    internal static RequestBodyReading Refused(IResult refusal) => new(default, refusal);
}
