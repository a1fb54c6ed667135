using Dequeue.Contracts;
using Dequeue.Contracts.Streaming;
using Dequeue.Functions.Telemetry;
using Dequeue.Sync.Log;
using Dequeue.Sync.Streaming;

namespace Dequeue.Functions.Streaming;

/// <summary>The steps of a stream. A short stream takes them at once; a long one as activities of <see cref="StreamSync"/>.</summary>
public sealed partial class StreamSteps(
    EventLog events, StreamRegistry registry, ConnectionChannel channel, SyncTelemetry telemetry, TimeProvider clock, ILogger<StreamSteps> logger)
{
    /// <summary>Plans the stream and announces it.</summary>
    public async Task<StreamProgress> BeginAsync(StreamTarget target, Checkpoint since, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        return await BeginAsync(target, await StreamPlan.MakeAsync(events, target.Log(), since, cancellationToken), cancellationToken);
    }

    /// <summary>Lets the connection have newly committed events from now on.</summary>
    public Task JoinLiveAsync(StreamTarget target, CancellationToken cancellationToken) => channel.JoinLiveAsync(target, cancellationToken);

    /// <summary>Announces a planned stream.</summary>
    public async Task<StreamProgress> BeginAsync(StreamTarget target, StreamPlan plan, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(plan);
        using var span = StreamTrace.StartStep("stream.begin", target.Trace);
        await channel.SendAsync(target, new StreamMessage.Start(plan.TotalEvents, target.Options.Encoding).ToUtf8Bytes(), cancellationToken);
        telemetry.StreamStarted(target.Trace);
        LogStarted(target.ConnectionId, plan.TotalEvents);
        return new StreamProgress(target, plan.End, plan.TotalEvents, plan.TotalEvents == 0 ? plan.End : plan.Since, EndPosition: plan.EndPosition);
    }

    /// <summary>Sends the next window of batches. A window that is repeated repeats its batches, with the same indexes.</summary>
    /// <returns>How far the stream has come.</returns>
    public async Task<StreamProgress> SendWindowAsync(StreamProgress progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(progress);
        if (progress.NextBatch > 0 && !await channel.IsOpenAsync(progress.Target, cancellationToken)) return progress with { HasGone = true };

        using var span = StreamTrace.StartStep("stream.window", progress.Target.Trace);
        var began = clock.GetTimestamp();
        var log = progress.Target.Log();
        using var writer = new BatchWriter(progress.Target.Options.Encoding, progress.Target.Options.Delta);
        var pages = writer.TakesPacked
            ? events.ReadPackedAsync(log, progress.Position, progress.End, cancellationToken)
            : events.ReadAsync(log, progress.Position, progress.End, cancellationToken);
        var first = progress.NextBatch;
        await foreach (var batch in StreamBatch.CutAsync(pages, new BatchCut(first, progress.TotalEvents - progress.SentEvents) { MaxEvents = progress.Target.Options.BatchSize }, cancellationToken))
        {
            var bytes = await channel.SendAsync(progress.Target, writer.Parts(batch), cancellationToken);
            if (batch.Index == 0) telemetry.FirstBatch(progress.Target.Trace);
            progress = progress with
            {
                Position = batch.LastEvent, NextBatch = batch.Index + 1, SentEvents = progress.SentEvents + batch.Count, SentBytes = progress.SentBytes + bytes,
            };
            if (progress.NextBatch - first == StreamLimits.WindowBatches || clock.GetElapsedTime(began) >= StreamLimits.WindowTime) break;
        }

        return progress;
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
            LogGone(target.ConnectionId, progress.SentEvents, progress.TotalEvents);
            await registry.ForgetAsync(target.Log(), target.ConnectionId, cancellationToken);
            return;
        }

        // Free again before the client learns that it may ask again.
        await registry.EndAsync(target.Log(), target.ConnectionId, target.RequestId, cancellationToken);
        await channel.SendAsync(target, new StreamMessage.Complete(progress.SentEvents, progress.End, Position: target.Options.IsLive ? progress.EndPosition : null).ToUtf8Bytes(), cancellationToken);
        telemetry.StreamCompleted(target.Trace, progress.SentEvents, progress.SentBytes, target.Options.Encoding ?? "identity");
        LogCompleted(target.ConnectionId, progress.SentEvents, progress.NextBatch);
    }

    /// <summary>Ends the stream with an error. The client carries on by REST.</summary>
    public async Task FailAsync(StreamFailure failure, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(failure);
        LogFailed(failure.Target.ConnectionId, failure.Code, failure.Text);
        try
        {
            await RefuseAsync(failure, cancellationToken);
        }
        finally
        {
            await registry.EndAsync(failure.Target.Log(), failure.Target.ConnectionId, failure.Target.RequestId, cancellationToken);
        }
    }

    /// <summary>Answers a request that starts no stream.</summary>
    public Task RefuseAsync(StreamFailure refusal, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(refusal);
        telemetry.StreamFailed(refusal.Target.Trace, refusal.Code);
        return channel.SendAsync(refusal.Target, new StreamMessage.Error(refusal.Text, refusal.Code).ToUtf8Bytes(), cancellationToken);
    }

    [LoggerMessage(201, LogLevel.Information, "Stream on {Connection} started: {TotalEvents} events")]
    private partial void LogStarted(string connection, long totalEvents);

    [LoggerMessage(202, LogLevel.Information, "Stream on {Connection} complete: {Events} events in {Batches} batches")]
    private partial void LogCompleted(string connection, long events, int batches);

    [LoggerMessage(203, LogLevel.Information, "Stream on {Connection} ended: its client left after {Sent} of {TotalEvents} events")]
    private partial void LogGone(string connection, long sent, long totalEvents);

    [LoggerMessage(204, LogLevel.Warning, "Stream on {Connection} failed with {Code}: {Reason}")]
    private partial void LogFailed(string connection, string code, string reason);
}
