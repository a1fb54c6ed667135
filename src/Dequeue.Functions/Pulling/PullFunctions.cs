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
public sealed class PullFunctions(RestCalls calls, RequestBodies bodies, EventPages pages, EventLog events)
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
            var reader = new Utf8JsonReader(body);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject) return Refused(Problems.Invalid("The body is an object: {\"since\":\"…\",\"limit\":100}."));
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = JsonText.Of(ref reader);
                var field = name.Equals("since"u8) ? 's' : name.Equals("limit"u8) ? 'l' : name.Equals("compact"u8) ? 'c'
                    : name.Equals("epoch"u8) ? 'e' : name.Equals("position"u8) ? 'p' : ' ';
                reader.Read();
                if (field == ' ') reader.Skip();
                else if (reader.TokenType == JsonTokenType.Null) continue;
                else if (field == 's')
                {
                    if (!CheckpointField.TryRead(ref reader, out since)) return Refused(Problems.InvalidCheckpoint());
                }
                else if (field == 'e')
                {
                    if (!HistoryClaimFields.TryReadEpoch(ref reader, out var epoch)) return Refused(Problems.Invalid(HistoryClaimFields.EpochRule));
                    claim = claim with { Epoch = epoch };
                }
                else if (field == 'p')
                {
                    if (!HistoryClaimFields.TryReadPosition(ref reader, out var position)) return Refused(Problems.Invalid(HistoryClaimFields.PositionRule));
                    claim = claim with { Position = position };
                }
                else if (field == 'c')
                {
                    if (!StreamCompactReader.TryRead(ref reader, out compact)) return Refused(Problems.Invalid(StreamCompactReader.Rule));
                }
                else
                {
                    if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var wanted)) return Refused(Problems.Invalid("limit is a whole number."));
                    limit = (int)Math.Clamp(wanted, 0, PageLimits.Max);
                }
            }

            while (reader.Read())
            {
            }
        }
        catch (JsonException)
        {
            return Refused(Problems.Invalid("The body is not valid JSON."));
        }

        return (since, limit, compact, claim, null);
    }

    private static (Checkpoint, int?, StreamCompact?, HistoryClaim, IResult?) Refused(IResult problem) => (default, null, null, default, problem);
}
