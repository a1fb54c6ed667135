using Dequeue.Functions.Http;
using Dequeue.Functions.Streaming;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Live;

/// <summary>Hands out the URL of a live connection: every newly committed event of the user, one a message.</summary>
public sealed class LiveFunctions(CallGate calls, Negotiation negotiation)
{
    /// <summary><c>POST …/sync/live/negotiate</c> for a named app. The gateway asks it for <c>GET /apps/{appId}/ws</c>.</summary>
    [Function("NegotiateLive")]
    public Task<IResult> NegotiateAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "apps/{appId}/sync/live/negotiate")] HttpRequest request, string appId, CancellationToken cancellationToken)
        => calls.AnswerAsync(request, appId, (log, token) => negotiation.AnswerAsync(request, log, [LiveGroup.Of(log)], token), cancellationToken);

    /// <summary><c>GET /apps/{appId}/ws</c> without the gateway in front: functions cannot upgrade.</summary>
    [Function("LiveNeedsUpgrade")]
    public static IResult LiveNeedsUpgrade([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "apps/{appId}/ws")] HttpRequest request)
        => Problems.UpgradeRequired(
            "This is a WebSocket endpoint. Open it as one through the gateway, or POST /apps/{appId}/sync/live/negotiate with your token and open the URL that it answers.");
}
