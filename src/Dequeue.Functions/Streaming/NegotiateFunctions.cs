using Dequeue.Contracts.Rest;
using Dequeue.Functions.Http;
using Dequeue.Sync.Log;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Streaming;

/// <summary>Hands out Web PubSub URLs, and says so where a WebSocket was expected.</summary>
public sealed class NegotiateFunctions(RestCalls calls, WebPubSubServiceClient service, TimeProvider clock)
{
    /// <summary>Time to connect with a URL; a connection outlives it. Short, because it stands in a URL.</summary>
    private static readonly TimeSpan TokenLife = TimeSpan.FromMinutes(5);

    /// <summary><c>POST …/sync/stream/negotiate</c> for a named app.</summary>
    [Function("Negotiate")]
    public Task<IResult> NegotiateAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "apps/{appId}/sync/stream/negotiate")] HttpRequest request, string appId, CancellationToken cancellationToken)
        => calls.AnswerAsync(request, appId, NegotiateAsync, cancellationToken);

    /// <summary><c>POST /v1/sync/stream/negotiate</c>.</summary>
    [Function("NegotiateForDefaultApp")]
    public Task<IResult> NegotiateForDefaultAppAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "v1/sync/stream/negotiate")] HttpRequest request, CancellationToken cancellationToken)
        => calls.AnswerAsync(request, null, NegotiateAsync, cancellationToken);

    /// <summary><c>GET /v1/sync/stream</c> without the gateway in front: functions cannot upgrade.</summary>
    [Function("StreamNeedsUpgrade")]
    public static IResult StreamNeedsUpgrade([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "v1/sync/stream")] HttpRequest request)
        => Problems.UpgradeRequired(
            "This is a WebSocket endpoint. Open it as one through the gateway, or POST /v1/sync/stream/negotiate with your token and open the URL that it answers.");

    // The token names the user and nothing more: no role to publish or to join, no group but what the connect event grants.
    private async Task<IResult> NegotiateAsync(LogKey log, CancellationToken cancellationToken)
    {
        var expiresAt = clock.GetUtcNow() + TokenLife;
        var url = await service.GetClientAccessUriAsync(TokenLife, userId: ConnectionUser.Format(log), cancellationToken: cancellationToken);
        return Results.Json(new NegotiateResponse(url.AbsoluteUri, expiresAt), RestJson.Default.NegotiateResponse);
    }
}
