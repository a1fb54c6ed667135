using Dequeue.Functions.Http;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Streaming;

/// <summary>Hands out Web PubSub URLs, and says so where a WebSocket was expected.</summary>
public sealed class NegotiateFunctions(CallGate calls, Negotiation negotiation)
{
    /// <summary><c>POST …/sync/stream/negotiate</c> for a named app.</summary>
    [Function("Negotiate")]
    public Task<IResult> NegotiateAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "apps/{appId}/sync/stream/negotiate")] HttpRequest request, string appId, CancellationToken cancellationToken)
        => calls.AnswerAsync(request, appId, (log, token) => negotiation.AnswerAsync(request, log, [], token), cancellationToken);

    /// <summary><c>POST /v1/sync/stream/negotiate</c>.</summary>
    [Function("NegotiateForDefaultApp")]
    public Task<IResult> NegotiateForDefaultAppAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "v1/sync/stream/negotiate")] HttpRequest request, CancellationToken cancellationToken)
        => calls.AnswerAsync(request, null, (log, token) => negotiation.AnswerAsync(request, log, [], token), cancellationToken);

    /// <summary><c>GET /v1/sync/stream</c> without the gateway in front: functions cannot upgrade.</summary>
    [Function("StreamNeedsUpgrade")]
    public static IResult StreamNeedsUpgrade([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "v1/sync/stream")] HttpRequest request)
        => Problems.UpgradeRequired(
            "This is a WebSocket endpoint. Open it as one through the gateway, or POST /v1/sync/stream/negotiate with your token and open the URL that it answers.");
}
