using Dequeue.Contracts.Rest;
using Dequeue.Functions.Http;
using Dequeue.Sync.Log;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Meta;

/// <summary><c>GET /v1/sync/meta</c>: how much there is, and how new.</summary>
public sealed class MetaFunction(CallGate calls, EventLog events)
{
    /// <summary>Reads one row, whatever the length of the history.</summary>
    [Function("Meta")]
    public Task<IResult> MetaAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "v1/sync/meta")] HttpRequest request, CancellationToken cancellationToken)
        => calls.AnswerAsync(request, null, async (log, token) =>
        {
            var head = await events.ReadHeadAsync(log, token);
            var meta = new SyncMeta(head.Count, head.LastDeviceTimeMs, head.LastEventId, head.Count == 0 ? null : head.Last.UnixMilliseconds, head.Epoch);
            return Results.Json(meta, RestJson.Default.SyncMeta);
        }, cancellationToken);
}
