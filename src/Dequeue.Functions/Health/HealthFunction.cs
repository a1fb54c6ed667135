using Dequeue.Contracts;
using Dequeue.Contracts.Rest;
using Microsoft.AspNetCore.Http;

namespace Dequeue.Functions.Health;

/// <summary><c>GET /healthz</c>: whether the backend could do its work just now, or a second ago.</summary>
public sealed class HealthFunction(HealthProbe probe)
{
    /// <summary>200 when storage takes a write and Web PubSub answers, else 503 naming which does not.</summary>
    [Function("Health")]
    public async Task<IResult> HealthAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "healthz")] HttpRequest request, CancellationToken cancellationToken)
    {
        var failures = await probe.AskAsync().WaitAsync(cancellationToken);
        return failures.Count == 0
            ? Results.Json(new HealthReport(true, true))
            : Results.Json(
                new Problem("Unhealthy", 503, $"Not answering: {string.Join(", ", failures)}", ErrorCodes.DbError), RestJson.Default.Problem, Problem.MediaType, 503);
    }

    private sealed record HealthReport(bool Storage, bool WebPubSub);
}
