using Dequeue.Functions.Auth;
using Dequeue.Sync.Storage;

namespace Dequeue.Functions.Health;

/// <summary>
/// Opens what the first caller would else wait for: the event log's storage, Web PubSub, the token issuer's keys. Behind the start,
/// which it neither delays nor fails: what does not answer is asked again by whoever needs it.
/// </summary>
public sealed partial class WarmUp(IPartitionedTable table, WebPubSubServiceClient service, TokenVerifier tokens, ILogger<WarmUp> logger) : BackgroundService
{
    /// <summary>After this a cold start is over, one way or the other.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken)
        => Task.WhenAll(
            OpenAsync("the event log's storage", table.CheckAsync, stoppingToken),
            OpenAsync("Web PubSub", token => service.ConnectionExistsAsync("warm-up", new Azure.RequestContext { CancellationToken = token }), stoppingToken),
            OpenAsync("the token issuer", tokens.WarmUpAsync, stoppingToken));

    private async Task OpenAsync(string what, Func<CancellationToken, Task> open, CancellationToken stoppingToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        patience.CancelAfter(Patience);
        try
        {
            await open(patience.Token);
        }
        catch (Exception failure)
        {
            if (!stoppingToken.IsCancellationRequested) LogCold(failure, what);
        }
    }

    [LoggerMessage(603, LogLevel.Warning, "Not reached at the start: {What}", EventName = "603")]
    private partial void LogCold(Exception failure, string what);
}
