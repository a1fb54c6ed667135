using Dequeue.Client.Rest;
using Dequeue.Contracts.Rest;

namespace Dequeue.Client.Pushing;

/// <summary>Sends what waits in the queue, oldest first, and removes what the server has answered.</summary>
internal sealed class FlushRun(IPushQueue queue, PushCall call, ProgressMeter meter)
{
    private readonly List<RejectedEvent> _rejected = [];
    private readonly PushBody _body = new();
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
            failure = await SendAsync(waiting.Take(_body.Count).ToList(), cancellationToken).ConfigureAwait(false);
        }

        Report(SyncPhase.Completed);
        return new FlushResult(_acknowledged, _rejected, await queue.CountAsync(cancellationToken).ConfigureAwait(false), failure);
    }

    private async Task<SyncFailure?> SendAsync(List<QueuedEvent> sent, CancellationToken cancellationToken)
    {
        var json = _body.Close();
        var answer = await call.SendAsync(json, () => Report(SyncPhase.Waiting), cancellationToken).ConfigureAwait(false);
        if (answer is not RestAnswer<PushResponse>.Ok { Body: var body }) return ((RestAnswer<PushResponse>.Failed)answer).Failure;
        var answered = new HashSet<string>(body.Acknowledged.Concat(body.Rejected), StringComparer.Ordinal);
        if (sent.Find(next => !answered.Contains(next.Id)) is { Id: not null } missing)
            return new SyncFailure(SyncFailureKind.BadAnswer, $"The answer to the push leaves out event {missing.Id}.");
        await queue.RemoveThroughAsync(sent[^1].Number, cancellationToken).ConfigureAwait(false);
        _acknowledged += body.Acknowledged.Count;
        _rejected.AddRange(PushCall.Rejected(body));
        _bytes += json.Length;
        _answered += sent.Count;
        Report(SyncPhase.Sending);
        return null;
    }

    private void Report(SyncPhase phase) => meter.Report(phase, _answered, _total, _bytes, SyncTransport.Rest);
}
