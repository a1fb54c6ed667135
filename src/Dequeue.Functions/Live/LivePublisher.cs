using System.Threading.Channels;
using Azure.Core;
using Dequeue.Sync.Log;

namespace Dequeue.Functions.Live;

/// <summary>
/// Tells connected devices of newly committed events, one message an event, behind the push that committed them: a push does not
/// wait for it. What is lost here (a process that dies, a queue that overflows) is not lost to a device: it pulls after each
/// reconnect, and now and then besides.
/// </summary>
public sealed partial class LivePublisher(WebPubSubServiceClient service, ILogger<LivePublisher> logger) : BackgroundService
{
    /// <summary>Logs are spread over so many lanes. A lane sends one message after the other, which keeps a log's order; more of
    /// them than Web PubSub takes calls at once from one process would gain nothing.</summary>
    private const int Lanes = 8;

    /// <summary>Pushes that may wait in a lane. Beyond it the oldest are dropped.</summary>
    private const int LaneLength = 1000;

    private readonly Channel<Commit>[] _lanes = [.. Enumerable.Range(0, Lanes).Select(_ => Channel.CreateBounded<Commit>(
        new BoundedChannelOptions(LaneLength) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true }))];

    /// <summary>Hands in what a push committed. Returns at once.</summary>
    public void Publish(LogKey log, IReadOnlyList<EventPage> committed)
    {
        ArgumentNullException.ThrowIfNull(committed);
        if (committed.Count > 0) _lanes[(uint)log.GetHashCode() % Lanes].Writer.TryWrite(new Commit(log, committed));
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(_lanes.Select(lane => DrainAsync(lane.Reader, stoppingToken)));

    private async Task DrainAsync(ChannelReader<Commit> lane, CancellationToken cancellationToken)
    {
        await foreach (var commit in lane.ReadAllAsync(cancellationToken))
        {
            try
            {
                await SendAsync(commit, cancellationToken);
            }
            catch (Exception failure) when (failure is Azure.RequestFailedException or HttpRequestException or AggregateException)
            {
                LogFailed(failure, commit.Committed.Sum(page => page.Count));
            }
        }
    }

    private async Task SendAsync(Commit commit, CancellationToken cancellationToken)
    {
        var group = LiveGroup.Of(commit.Log);
        var context = new Azure.RequestContext { CancellationToken = cancellationToken };
        if (!await service.GroupExistsAsync(group, context)) return;
        foreach (var page in commit.Committed)
        {
            for (var i = 0; i < page.Count; i++)
                await service.SendToGroupAsync(group, RequestContent.Create(page.EventAt(i)), ContentType.ApplicationJson, context: context);
        }
    }

    [LoggerMessage(501, LogLevel.Warning, "Live devices were not told of {Events} events; they will pull them")]
    private partial void LogFailed(Exception failure, int events);

    private sealed record Commit(LogKey Log, IReadOnlyList<EventPage> Committed);
}
