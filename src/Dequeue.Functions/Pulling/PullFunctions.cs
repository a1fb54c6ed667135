using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Rest;
using Dequeue.Contracts.Streaming;
using Dequeue.Functions.Http;
using Dequeue.Sync.Log;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Pulling;

/// <summary>The REST pages: what a device falls back to, and what people and scripts read.</summary>
public sealed class PullFunctions(CallGate calls, RequestBodies bodies, EventPages pages, EventLog events)
{
    /// <summary>A pull body is a checkpoint and a number.</summary>
    private const int MaxBodyBytes = 64 * 1024;

    /// <summary><c>POST …/sync/pull</c> for a named app.</summary>
    [Function("Pull")]
    public Task<IResult> PullAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "apps/{appId}/sync/pull")] HttpRequest request, string appId, CancellationToken cancellationToken)
        => AnswerAsync(request, appId, cancellationToken);

    /// <summary><c>POST …/sync/pull</c> for the default app.</summary>
    [Function("PullFromDefaultApp")]
    public Task<IResult> PullFromDefaultAppAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "v1/sync/pull")] HttpRequest request, CancellationToken cancellationToken)
        => AnswerAsync(request, null, cancellationToken);

    /// <summary><c>GET /v1/sync/events?since=…&amp;limit=…&amp;compact=true</c>.</summary>
    [Function("Events")]
    public Task<IResult> EventsAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "v1/sync/events")] HttpRequest request, CancellationToken cancellationToken)
        => calls.AnswerAsync(request, null, async (log, token) =>
        {
            ArgumentNullException.ThrowIfNull(request);
            var (since, limit) = (Checkpoint.Beginning, (int?)null);
            if (request.Query["since"].ToString() is { Length: > 0 } sinceText && !Checkpoint.TryParse(sinceText, out since)) return Problems.InvalidCheckpoint();
            if (request.Query["limit"].ToString() is { Length: > 0 } limitText)
            {
                if (!long.TryParse(limitText, out var wanted)) return Problems.Invalid("limit is a whole number.");
                limit = (int)Math.Clamp(wanted, 0, PageLimits.Max);
            }

            StreamCompact? compact = null;
            if (request.Query["compact"].ToString() is { Length: > 0 } wish)
            {
                if (wish is not ("true" or "false")) return Problems.Invalid("compact is true or false.");
                compact = wish == "true" ? new StreamCompact() : null;
            }

            return await pages.AnswerAsync(request, log, since, limit, compact, default, token);
        }, cancellationToken);

    private Task<IResult> AnswerAsync(HttpRequest request, string? app, CancellationToken cancellationToken)
        => calls.AnswerAsync(request, app, async (log, token) =>
        {
            var body = await bodies.ReadAsync(request, log, MaxBodyBytes, token);
            if (body.Refusal is not null) return body.Refusal;
            var (since, limit, compact, claim, problem) = Read(body.Bytes.Span);
            return problem ?? await ChargeAsync(log, since, compact, token)
                ?? await pages.AnswerAsync(request, log, since, limit, compact, claim, token);
        }, cancellationToken);

    // For types that are to be kept the history is read, whatever comes of it.
    private async Task<IResult?> ChargeAsync(LogKey log, Checkpoint since, StreamCompact? compact, CancellationToken cancellationToken)
    {
        if (compact is not { Keep.Count: > 0 }) return null;
        var head = await events.ReadHeadAsync(log, cancellationToken);
        return calls.ChargeReading(log, await events.CountAfterAsync(log, head, since, cancellationToken));
    }

    private static (Checkpoint Since, int? Limit, StreamCompact? Compact, HistoryClaim Claim, IResult? Problem) Read(ReadOnlySpan<byte> body)
    {
        var (since, limit, compact, claim) = (Checkpoint.Beginning, (int?)null, (StreamCompact?)null, default(HistoryClaim));
        try
        {
            if (!JsonObjectReader.TryBegin(body, out var json)) return Refused(Problems.Invalid("The body is an object: {\"since\":\"…\",\"limit\":100}."));
            while (json.Next())
            {
                if (json.IsNull) continue;
                if (json.Is("since"u8))
                {
                    if (json.Position() is not { } from) return Refused(Problems.InvalidCheckpoint());
                    since = from;
                }
                else if (json.Is("limit"u8))
                {
                    if (json.WholeNumber() is not { } wanted) return Refused(Problems.Invalid("limit is a whole number."));
                    limit = (int)Math.Clamp(wanted, 0, PageLimits.Max);
                }
                else if (json.Is("compact"u8))
                {
                    if (!StreamCompactReader.TryRead(ref json, out compact)) return Refused(Problems.Invalid(StreamCompactReader.Rule));
                }
                else if (json.Is("epoch"u8))
                {
                    if (!HistoryClaimFields.TryReadEpoch(ref json, out var epoch)) return Refused(Problems.Invalid(HistoryClaimFields.EpochRule));
                    claim = claim with { Epoch = epoch };
                }
                else if (json.Is("position"u8))
                {
                    if (!HistoryClaimFields.TryReadPosition(ref json, out var position)) return Refused(Problems.Invalid(HistoryClaimFields.PositionRule));
                    claim = claim with { Position = position };
                }
            }

            json.End();
        }
        catch (JsonException)
        {
            return Refused(Problems.Invalid("The body is not valid JSON."));
        }

        return (since, limit, compact, claim, null);
    }

    private static (Checkpoint, int?, StreamCompact?, HistoryClaim, IResult?) Refused(IResult problem) => (default, null, null, default, problem);
}
