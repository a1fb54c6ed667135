using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Streaming;
using Dequeue.Functions.Telemetry;
using Dequeue.Sync.Log;
using Dequeue.Sync.Log.Checking;
using Dequeue.Sync.Streaming;

namespace Dequeue.Functions.Streaming;

/// <summary>
/// The steps of a stream, each of which may be repeated. <see cref="StreamIntake"/> takes the first ones at once, <see cref="StreamSync"/> those of a long
/// stream as durable activities; <see cref="StreamStep"/> says which is next.
/// </summary>
public sealed partial class StreamSteps(
    EventLog events, StreamBatches batches, StreamRegistry registry, PageOffers offers, ConnectionChannel channel, SyncTelemetry telemetry, TimeProvider clock, ILogger<StreamSteps> logger)
{
    /// <summary>Plans a stream.</summary>
    public Task<StreamPlan> PlanAsync(StreamTarget target, Checkpoint since, HistoryClaim claim, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        return StreamPlan.MakeAsync(events, target.Log(), since, target.Options.Priority, target.Options.Compact, claim, cancellationToken);
    }

    /// <summary>Lets the connection have newly committed events from now on.</summary>
    /// <returns>False when it has gone.</returns>
    public Task<bool> JoinLiveAsync(StreamTarget target, CancellationToken cancellationToken) => channel.JoinLiveAsync(target, cancellationToken);

    /// <summary>Ends a stream that has not begun, because its client has left: there is nobody to tell.</summary>
    public async Task LeaveAsync(StreamTarget target, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        telemetry.StreamFailed(target.Trace, SyncTelemetry.Left);
        LogGone(target.ConnectionId, 0, 0);
        await registry.ForgetAsync(target.Log(), target.ConnectionId, cancellationToken);
    }

    /// <summary>Announces a planned stream.</summary>
    public async Task<StreamProgress> BeginAsync(StreamTarget target, StreamPlan plan, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(plan);
        using var span = StreamTrace.StartStep("stream.begin", target.Trace);
        var start = new StreamMessage.Start(plan.TotalEvents, target.Options.Encoding, plan.PriorityEvents, plan.HistoryEvents, plan.Epoch);
        await channel.SendAsync(target, start.ToUtf8Bytes(), cancellationToken);
        telemetry.StreamStarted(target.Trace);
        LogStarted(target.ConnectionId, plan.TotalEvents);
        var progress = new StreamProgress(target, plan)
        {
            Position = plan.Since,
            IsReady = plan.PriorityEvents is null,
            ReferencesThrough = target.Options.References && plan.Compact is null ? offers.Through(plan) : Checkpoint.Beginning,
        };
        return plan.PriorityEvents == 0 ? await ReadyAsync(progress, cancellationToken) : progress;
    }

    /// <summary>Sends the next window of batches. A window that is repeated repeats its batches, with the same indexes.</summary>
    /// <returns>How far the stream has come.</returns>
    public async Task<StreamProgress> SendWindowAsync(StreamProgress progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(progress);
        if (progress.NextBatch > 0 && !await channel.IsOpenAsync(progress.Target, cancellationToken)) return progress with { HasGone = true };

        var (target, began) = (progress.Target, clock.GetTimestamp());
        var end = progress.NextBatch + Math.Min(StreamLimits.WindowBatchesOf(target.Options.BatchSize), progress.Window.Room);
        using var span = StreamTrace.StartStep("stream.window", target.Trace);
        using var digest = progress.IsHashedOnItsWay ? new EventDigest() : null;
        using var writer = new BatchWriter(target.Options.Encoding, target.Options.Delta);
        var form = new BatchForm(target.Options.BatchSize, writer.TakesPacked, progress.ReferencesThrough);
        await foreach (var batch in batches.ReadAsync(target.Log(), progress.Plan, progress.Next, form, cancellationToken))
        {
            foreach (var run in batch.Runs) digest?.Append(run);
            var bytes = await channel.SendAsync(target, writer.Parts(batch), cancellationToken);
            if (batch.Index == 0) telemetry.FirstBatch(target.Trace);
            progress = progress.Sent(batch, bytes);
            if (batch.IsPriorityEnd) progress = await ReadyAsync(progress, cancellationToken);
            if (progress.NextBatch >= end || progress.Window.Room <= 0 || clock.GetElapsedTime(began) >= StreamLimits.WindowTime) break;
        }

        return progress.IsSent && digest is not null ? progress with { Digest = digest.ToString() } : progress;
    }

    /// <summary>Closes the stream with the client's new checkpoint.</summary>
    public async Task CompleteAsync(StreamProgress progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(progress);
        var target = progress.Target;
        using var span = StreamTrace.StartStep("stream.complete", target.Trace);
        if (progress.HasGone)
        {
            telemetry.StreamFailed(target.Trace, SyncTelemetry.Left);
            LogGone(target.ConnectionId, progress.SentEvents, progress.Plan.TotalEvents);
            await registry.ForgetAsync(target.Log(), target.ConnectionId, cancellationToken);
            return;
        }

        var digest = progress.Digest ?? progress.Plan.Digest ?? await events.DigestAsync(target.Log(), progress.Plan, cancellationToken);

        // Free again before the client learns that it may ask again.
        await registry.EndAsync(target.Log(), target.ConnectionId, target.RequestId, cancellationToken);
        var tellsPosition = target.Options.IsLive || target.Options.TellsPosition;
        var complete = new StreamMessage.Complete(
            progress.SentEvents, progress.Plan.End, digest, tellsPosition ? progress.Plan.EndPosition : null, progress.Plan.Epoch);
        await channel.SendAsync(target, complete.ToUtf8Bytes(), cancellationToken);
        telemetry.StreamCompleted(target.Trace, progress.SentEvents, progress.SentBytes, target.Options.Encoding ?? "identity");
        LogCompleted(target.ConnectionId, progress.SentEvents, progress.NextBatch);
    }

    /// <summary>Ends the stream with an error. The client carries on by REST.</summary>
    public async Task FailAsync(StreamFailure failure, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(failure);
        var target = failure.Target;
        LogFailed(target.ConnectionId, failure.Code, failure.Text);

        // Free again before the client learns that it may ask again; but a storage that does not answer must not hold up the news.
        var tellsFirst = failure.Code == ErrorCodes.DbError;
        try
        {
            await (tellsFirst ? RefuseAsync(failure, cancellationToken) : FreeAsync());
        }
        finally
        {
            await (tellsFirst ? FreeAsync() : RefuseAsync(failure, cancellationToken));
        }

        // What was to follow the stream ends with it.
        async Task FreeAsync()
        {
            if (target.Options.IsLive) await channel.LeaveLiveAsync(target, cancellationToken);
            await registry.EndAsync(target.Log(), target.ConnectionId, target.RequestId, cancellationToken);
        }
    }

    /// <summary>Answers a request that starts no stream.</summary>
    public Task RefuseAsync(StreamFailure refusal, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(refusal);
        telemetry.StreamFailed(refusal.Target.Trace, refusal.Code);
        return channel.SendAsync(refusal.Target, Message(refusal).ToUtf8Bytes(), cancellationToken);
    }

    /// <summary>Answers a message that is not accepted. Whatever runs on the connection goes on.</summary>
    public Task RefuseAsync(StreamTarget target, StreamMessage.Refused refusal, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(refusal);
        return channel.SendAsync(target, refusal.ToUtf8Bytes(), cancellationToken);
    }

    private static StreamMessage.Error Message(StreamFailure failure)
        => new(failure.Text, failure.Code, failure.ResumeAt, failure.Window) { Epoch = failure.Epoch, EventCount = failure.EventCount };

    private async Task<StreamProgress> ReadyAsync(StreamProgress progress, CancellationToken cancellationToken)
    {
        await channel.SendAsync(progress.Target, new StreamMessage.Ready(progress.SentEvents).ToUtf8Bytes(), cancellationToken);
        return progress.Ready();
    }

    [LoggerMessage(201, LogLevel.Information, "Stream on {Connection} started: {TotalEvents} events", EventName = "201")]
    private partial void LogStarted(string connection, long totalEvents);

    [LoggerMessage(202, LogLevel.Information, "Stream on {Connection} complete: {Events} events in {Batches} batches", EventName = "202")]
    private partial void LogCompleted(string connection, long events, int batches);

    [LoggerMessage(203, LogLevel.Information, "Stream on {Connection} ended: its client left after {Sent} of {TotalEvents} events", EventName = "203")]
    private partial void LogGone(string connection, long sent, long totalEvents);

    [LoggerMessage(204, LogLevel.Warning, "Stream on {Connection} failed with {Code}: {Reason}", EventName = "204")]
    private partial void LogFailed(string connection, string code, string reason);
}
