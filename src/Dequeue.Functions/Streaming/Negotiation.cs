using Dequeue.Contracts.Rest;
using Dequeue.Functions.Configuration;
using Dequeue.Sync.Log;
using Dequeue.Sync.Storage;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Streaming;

/// <summary>
/// Makes Web PubSub URLs. Their token names the user, and a group at most: no role to publish or to join others.
/// </summary>
public sealed class Negotiation(WebPubSubServiceClient service, EventLog events, BackendSettings settings, TimeProvider clock)
{
    /// <summary>Time to connect with a URL; a connection outlives it. Short, because it stands in a URL.</summary>
    private static readonly TimeSpan TokenLife = TimeSpan.FromMinutes(5);

    /// <summary>A URL for a connection of this user.</summary>
    /// <param name="request">The call, which may say under which address clients reach Web PubSub.</param>
    /// <param name="log">Whose connection it will be.</param>
    /// <param name="groups">The groups that it joins besides its own.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<IResult> AnswerAsync(HttpRequest request, LogKey log, IReadOnlyList<string> groups, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var expiresAt = clock.GetUtcNow() + TokenLife;
        var url = await service.GetClientAccessUriAsync(TokenLife, userId: ConnectionUser.Format(log), groups: groups, cancellationToken: cancellationToken);
        return Results.Json(new NegotiateResponse(settings.WebPubSub.Public(url, request.Headers).AbsoluteUri, expiresAt, await EpochAsync(log, cancellationToken)), RestJson.Default.NegotiateResponse);
    }

    // A device can connect, and be told later, while storage does not answer.
    private async Task<string?> EpochAsync(LogKey log, CancellationToken cancellationToken)
    {
        try
        {
            return (await events.ReadHeadAsync(log, cancellationToken)).Epoch;
        }
        catch (StorageUnavailableException)
        {
            return null;
        }
    }
}
