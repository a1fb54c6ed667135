using System.Text.Json;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Rest;
using Dequeue.Functions.Http;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Checking;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Integrity;

/// <summary>The digests of parts of a log: a device whose history differs finds out where, and fetches that alone.</summary>
public sealed class DigestFunctions(CallGate calls, RequestBodies bodies, EventLog events)
{
    /// <summary>A body is 101 checkpoints at most.</summary>
    private const int MaxBodyBytes = 64 * 1024;

    /// <summary><c>POST …/sync/digests</c> for a named app.</summary>
    [Function("Digests")]
    public Task<IResult> DigestsAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "apps/{appId}/sync/digests")] HttpRequest request, string appId, CancellationToken cancellationToken)
        => AnswerAsync(request, appId, cancellationToken);

    /// <summary><c>POST …/sync/digests</c> for the default app.</summary>
    [Function("DigestsOfDefaultApp")]
    public Task<IResult> DigestsOfDefaultAppAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "v1/sync/digests")] HttpRequest request, CancellationToken cancellationToken)
        => AnswerAsync(request, null, cancellationToken);

    private Task<IResult> AnswerAsync(HttpRequest request, string? app, CancellationToken cancellationToken)
        => calls.AnswerAsync(request, app, async (log, token) =>
        {
            var body = await bodies.ReadAsync(request, log, MaxBodyBytes, token);
            if (body.Refusal is not null) return body.Refusal;
            var (since, ends, pages, problem) = Read(body.Bytes.Span);
            if (problem is not null) return problem;
            if (pages > 0) return Results.Json(new DigestsResponse((await events.DigestPagesAsync(log, since, pages, token)).Ranges), RestJson.Default.DigestsResponse);

            // A part that is no stored page costs as much as a page of events.
            if (ends.Count > 1 && calls.Charge(log, ends.Count - 1) is { } refusal) return refusal;
            return await events.DigestRangesAsync(log, since, ends, token) switch
            {
                RangeDigests.Known known => Results.Json(new DigestsResponse(known.Ranges), RestJson.Default.DigestsResponse),
                RangeDigests.TooManyEvents wide => Problems.Invalid($"More than {EventLog.MaxRangeEvents} events lie between {wide.Checkpoint} and the checkpoint before it."),
                _ => Problems.Internal(),
            };
        }, cancellationToken);

    private static (Checkpoint Since, List<Checkpoint> Ends, int Pages, IResult? Problem) Read(ReadOnlySpan<byte> body)
    {
        var (since, ends, pages) = (Checkpoint.Beginning, new List<Checkpoint>(), 0);
        try
        {
            if (!JsonObjectReader.TryBegin(body, out var json)) return Refused(Problems.Invalid("The body is an object: {\"since\":\"…\",\"checkpoints\":[\"…\"]}."));
            while (json.Next())
            {
                if (json.Is("pages"u8) && !json.IsNull)
                {
                    if (json.WholeNumber() is not { } wanted) return Refused(Problems.Invalid("pages is a whole number."));
                    pages = (int)Math.Clamp(wanted, 1, DigestsRequest.MaxRanges);
                }
                else if (json.Is("since"u8) && !json.IsNull)
                {
                    if (json.Position() is not { } from) return Refused(Problems.InvalidCheckpoint());
                    since = from;
                }
                else if (json.Is("checkpoints"u8))
                {
                    if (!json.EnterArray()) return Refused(Problems.Invalid("checkpoints is an array."));
                    while (json.NextItem())
                    {
                        if (json.Position() is not { } end) return Refused(Problems.InvalidCheckpoint());
                        if (ends.Count == DigestsRequest.MaxRanges) return Refused(Problems.Invalid($"At most {DigestsRequest.MaxRanges} checkpoints are answered at once."));
                        ends.Add(end);
                    }
                }
            }

            json.End();
        }
        catch (JsonException)
        {
            return Refused(Problems.Invalid("The body is not valid JSON."));
        }

        if (pages > 0) return ends.Count == 0 ? (since, ends, pages, null) : Refused(Problems.Invalid("Either checkpoints or pages, not both."));
        if (ends.Count == 0) return Refused(Problems.Invalid($"checkpoints is missing: 1 to {DigestsRequest.MaxRanges} of them."));
        for (var (before, i) = (since, 0); i < ends.Count; before = ends[i], i++)
        {
            if (ends[i] <= before) return Refused(Problems.Invalid("The checkpoints rise, each after the one before it and after since."));
        }

        return (since, ends, 0, null);
    }

    private static (Checkpoint, List<Checkpoint>, int, IResult?) Refused(IResult problem) => (default, [], 0, problem);
}
