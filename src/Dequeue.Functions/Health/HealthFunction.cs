using Dequeue.Contracts;
using Dequeue.Contracts.Rest;
using Dequeue.Sync.Storage;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Health;

/// <summary><c>GET /healthz</c>: whether the backend could do its work just now.</summary>
public sealed class HealthFunction(IPartitionedTable table, WebPubSubServiceClient service)
{
    /// <summary>A dependency that needs longer than this is down for a user who waits.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>200 when storage and Web PubSub answer, else 503 naming which does not.</summary>
    [Function("Health")]
    public async Task<IResult> HealthAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "healthz")] HttpRequest request, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        var storage = AnswersAsync(table.CheckAsync(patience.Token));
        var webPubSub = AnswersAsync(service.ConnectionExistsAsync("healthz", new Azure.RequestContext { CancellationToken = patience.Token }));
        var report = new HealthReport(await storage, await webPubSub);
        return report is { Storage: true, WebPubSub: true }
            ? Results.Json(report)
            : Results.Json(
                new Problem("Unhealthy", 503, $"Not answering: {(report.Storage ? "" : "storage ")}{(report.WebPubSub ? "" : "Web PubSub")}".TrimEnd(), ErrorCodes.DbError),
                RestJson.Default.Problem, Problem.MediaType, 503);
    }

    private static async Task<bool> AnswersAsync(Task check)
    {
        try
        {
            await check;
            return true;
        }
        catch (Exception)
        {
            // Refused, throttled, too slow, or all of that in turn: whatever it was, it is no answer.
            return false;
        }
    }

    private sealed record HealthReport(bool Storage, bool WebPubSub);
}
