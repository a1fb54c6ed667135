using Dequeue.Client.Rest;
using Dequeue.Contracts;
using Dequeue.Contracts.Rest;
using Microsoft.Extensions.Logging;
using EventId = Dequeue.Contracts.EventId;

namespace Dequeue.Client.Pushing;

/// <summary>Sends what waits in the queue, oldest first, and removes what the server has answered.</summary>
internal sealed class FlushRun(IPushQueue queue, PushCall call, ProgressMeter meter, ILogger logger)
{
    private readonly List<RejectedEvent> _rejected = [];
    private readonly PushBodyWriter _body = new();
    private long _acknowledged, _bytes, _answered, _total;

    public async Task<FlushResult> RunAsync(CancellationToken cancellationToken)
    {
        _total = await queue.CountAsync(cancellationToken).ConfigureAwait(false);
        Report(SyncPhase.Connecting);
        SyncFailure? failure = null;
        while (failure is null && await queue.PeekAsync(PushCall.MaxEvents, cancellationToken).ConfigureAwait(false) is { Count: > 0 } waiting)
        {
            _body.Clear();
            foreach (var next in waiting.TakeWhile(next => _body.HasRoomFor(next.Json.Length))) _body.Add(next.Json.Span);
            failure = await SendAsync(waiting.Take(_body.Count).ToArray(), cancellationToken).ConfigureAwait(false);
        }

        Report(SyncPhase.Completed);
        return new FlushResult(_acknowledged, _rejected, await queue.CountAsync(cancellationToken).ConfigureAwait(false), failure);
    }

    /// <summary>Sends the queue's first events as one body; as two when it is refused as a whole, until who is to blame is alone.</summary>
    private async Task<SyncFailure?> SendAsync(ArraySegment<QueuedEvent> sent, CancellationToken cancellationToken)
    {
        _body.Clear();
        foreach (var next in sent) _body.Add(next.Json.Span);
        var json = _body.Close(call.Log);
        var answer = await call.SendAsync(json, () => Report(SyncPhase.Waiting), cancellationToken).ConfigureAwait(false);
        _bytes += json.Length;
        if (answer is RestAnswer<PushResponse>.Ok { Body: var body }) return await SettleAsync(sent, body, cancellationToken).ConfigureAwait(false);
        var failure = ((RestAnswer<PushResponse>.Failed)answer).Failure;
        if (failure.IsTransient || failure.Status is not (400 or 413)) return failure;
        if (sent.Count > 1)
        {
            return await SendAsync(sent[..(sent.Count / 2)], cancellationToken).ConfigureAwait(false)
                ?? await SendAsync(sent[(sent.Count / 2)..], cancellationToken).ConfigureAwait(false);
        }

        // A proxy that takes no body of this size says nothing about the event.
        if (failure.Code != ErrorCodes.InvalidRequest) return failure;
        return await SettleAsync(sent, new PushResponse([], [sent[0].Id], [failure.Message]), cancellationToken).ConfigureAwait(false);
    }

    private async Task<SyncFailure?> SettleAsync(ArraySegment<QueuedEvent> sent, PushResponse answer, CancellationToken cancellationToken)
    {
        var acknowledged = answer.Acknowledged.ToHashSet(StringComparer.Ordinal);
        var (rejected, refused, next) = (PushCall.Rejected(answer).ToList(), new List<RefusedEvent>(), 0);
        foreach (var one in sent.Where(one => !acknowledged.Contains(one.Id)))
        {
            // Both lists keep the order of the body. An id that breaks the rules comes back clipped, or not at all.
            var at = rejected.FindIndex(next, answered => answered.Id.Length == 0 || IsOf(answered.Id, one.Id));
            if (at < 0) return new SyncFailure(SyncFailureKind.BadAnswer, $"The answer to the push leaves out event {one.Id}.");
            refused.Add(new RefusedEvent(one.Number, one.Id, rejected[at].Reason, one.Json));
            next = at + 1;
        }

        await queue.RemoveThroughAsync(sent[^1].Number, refused, cancellationToken).ConfigureAwait(false);
        foreach (var gone in refused) ClientLog.EventRefused(logger, gone.Id, gone.Reason);
        _acknowledged += answer.Acknowledged.Count;
        _rejected.AddRange(rejected);
        _answered += sent.Count;
        Report(SyncPhase.Sending);
        return null;
    }

    private static bool IsOf(string answered, string id)
        => answered == id || id.Length > EventId.MaxLength && id.AsSpan(0, EventId.MaxLength).SequenceEqual(answered);

    private void Report(SyncPhase phase) => meter.Report(phase, _answered, _total, _bytes, SyncTransport.Rest);
}
