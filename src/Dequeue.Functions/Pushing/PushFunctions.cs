using Dequeue.Contracts.Pushing;
using Dequeue.Contracts.Rest;
using Dequeue.Functions.Http;
using Dequeue.Sync.Log;
using Dequeue.Sync.Pushing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Dequeue.Functions.Pushing;

/// <summary><c>POST …/sync/push</c>: a device hands in its events.</summary>
public sealed class PushFunctions(CallGate calls, RequestBodies bodies, PushIntake intake)
{
    /// <summary>For a named app.</summary>
    [Function("Push")]
    public Task<IResult> PushAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "apps/{appId}/sync/push")] HttpRequest request, string appId, CancellationToken cancellationToken)
        => AnswerAsync(request, appId, cancellationToken);

    /// <summary>For the default app.</summary>
    [Function("PushToDefaultApp")]
    public Task<IResult> PushToDefaultAppAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "v1/sync/push")] HttpRequest request, CancellationToken cancellationToken)
        => AnswerAsync(request, null, cancellationToken);

    private Task<IResult> AnswerAsync(HttpRequest request, string? app, CancellationToken cancellationToken)
        => calls.AnswerAsync(request, app, async (log, token) =>
        {
            if (!IsPlain(request.Headers.ContentEncoding)) return Problems.EncodedBody();
            var body = await bodies.ReadAsync(request, log, PushLimits.MaxBodyBytes, token);
            if (body.Refusal is not null) return body.Refusal;
            return ReceivedPush.Read(body.Bytes, log.User) switch
            {
                ReceivedPush.Malformed malformed => Problems.Invalid(malformed.Why),
                ReceivedPush.Valid valid => await StoreAsync(log, valid, token),
                var other => throw new InvalidOperationException($"No answer for {other}."),
            };
        }, cancellationToken);

    private async Task<IResult> StoreAsync(LogKey log, ReceivedPush.Valid push, CancellationToken cancellationToken)
    {
        var (answer, head) = await intake.StoreAsync(log, push, cancellationToken);
        return answer is null ? Problems.HistoryChanged(head) : Results.Json(answer, RestJson.Default.PushResponse);
    }

    // "identity" names no encoding.
    private static bool IsPlain(StringValues encodings)
        => encodings.All(value => value is null || value.Split(',', StringSplitOptions.TrimEntries).All(name => name.Equals("identity", StringComparison.OrdinalIgnoreCase)));
}
