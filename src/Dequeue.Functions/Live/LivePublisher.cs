using System.Threading.Channels;
using Azure.Core;
using Dequeue.Contracts.Streaming;
using Dequeue.Functions.Streaming;
using Dequeue.Sync.Log;
using Dequeue.Sync.Streaming;

namespace Dequeue.Functions.Live;

/// <summary>
/// Tells connected devices of newly committed events, in the order of their commit, behind the push that committed them: a push does
/// not wait for it. Live sockets get a message an event, streams that stay open get batches. What is lost here (a process that dies, a
/// queue that overflows) is not lost to a device: it pulls after each reconnect, and now and then besides.
/// </summary>
public sealed partial class LivePublisher(WebPubSubServiceClient service, AbsentUsers absent, ILogger<LivePublisher> logger) : BackgroundService
{
    /// <summary>Logs are spread over so many lanes. A lane sends one message after the other, which keeps a log's order; more of
    /// them than Web PubSub takes calls at once from one process would gain nothing.</summary>
    private const int Lanes = 8;

    /// <summary>Commits that may wait in a lane. Beyond it the oldest are dropped.</summary>
    private const int LaneLength = 1000;

    /// <summary>Up to so many events, sending to a group costs about as much as asking whether anybody is in it, so that one question
    /// is enough: whether the user has any connection at all.</summary>
    private const int FewEvents = 4;

    private readonly Channel<Commit>[] _lanes = [.. Enumerable.Range(0, Lanes).Select(_ => Channel.CreateBounded<Commit>(
        new BoundedChannelOptions(LaneLength) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true }))];

    /// <summary>Hands in what a transaction committed, in commit order. Returns at once.</summary>
    public void Publish(LogKey log, CommittedEvents committed) => _lanes[(uint)log.GetHashCode() % Lanes].Writer.TryWrite(new Commit(log, committed));

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
            catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
            {
                // Whatever it was, the lane goes on: a background service that ends takes the host with it.
                LogFailed(failure, commit.Committed.Events.Count);
            }
        }
    }

    // Most users have no other device online just now: one call tells, and for a while none is needed.
    private async Task SendAsync(Commit commit, CancellationToken cancellationToken)
    {
        if (absent.Has(commit.Log)) return;
        var context = new Azure.RequestContext { CancellationToken = cancellationToken };
        if (!await service.UserExistsAsync(ConnectionUser.Format(commit.Log), context))
        {
            absent.Add(commit.Log);
            return;
        }

        await Task.WhenAll(
            ToAsync(LiveGroup.Of(commit.Log), commit.Committed, Single, ContentType.ApplicationJson, context),
            ToAsync(LiveGroup.OfStreams(commit.Log, speakJson: false), commit.Committed, Batches, ContentType.ApplicationOctetStream, context),
            ToAsync(LiveGroup.OfStreams(commit.Log, speakJson: true), commit.Committed, Batches, ContentType.ApplicationJson, context));
    }

    private async Task ToAsync(
        string group, CommittedEvents committed, Func<CommittedEvents, IEnumerable<ReadOnlyMemory<byte>>> messages, ContentType type, Azure.RequestContext context)
    {
        if (committed.Events.Count > FewEvents && !await service.GroupExistsAsync(group, context)) return;
        foreach (var message in messages(committed)) await service.SendToGroupAsync(group, RequestContent.Create(message), type, context: context);
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Single(CommittedEvents committed)
        => Enumerable.Range(0, committed.Events.Count).Select(committed.Events.EventAt);

    // A page of a push may be as large as a transaction: several messages then, each of one run.
    private static IEnumerable<ReadOnlyMemory<byte>> Batches(CommittedEvents committed)
    {
        foreach (var batch in new BatchCutter(0, committed.Events.Count).Cut(committed.Events))
        {
            var run = batch.Runs[0];
            yield return (byte[])[.. LiveFrame.Prefix(run.Before, run.Last, committed.Epoch), .. run.Json.Span, .. LiveFrame.Suffix];
        }
    }

    [LoggerMessage(501, LogLevel.Warning, "Live devices were not told of {Events} events; they will pull them", EventName = "501")]
    private partial void LogFailed(Exception failure, int events);

    private sealed record Commit(LogKey Log, CommittedEvents Committed);
}
