using Dequeue.Client.Rest;
using Dequeue.Contracts.Rest;

namespace Dequeue.Client.Pushing;

/// <summary>Sends events in order, without the queue.</summary>
internal sealed class PushRun(PushCall call, ProgressMeter meter)
{
    private readonly List<RejectedEvent> _rejected = [];
    private readonly PushBodyWriter _body = new();
    private long _acknowledged, _bytes, _answered;
    private long? _total;

    public async Task<PushResult> RunAsync(IEnumerable<ReadOnlyMemory<byte>> events, CancellationToken cancellationToken)
    {
        _total = events.TryGetNonEnumeratedCount(out var count) ? count : null;
        Report(SyncPhase.Connecting);
        try
        {
            foreach (var next in events)
            {
                if (!_body.HasRoomFor(next.Length)) await SendAsync(cancellationToken).ConfigureAwait(false);
                _body.Add(next.Span);
            }

            if (_body.Count > 0) await SendAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            meter.Settle();
            throw;
        }

        _total = _answered;
        Report(SyncPhase.Completed);
        return new PushResult(_acknowledged, _rejected, meter.Seconds, _bytes);
    }

    private async Task SendAsync(CancellationToken cancellationToken)
    {
        var json = _body.Close(call.Log);
        switch (await call.SendAsync(json, () => Report(SyncPhase.Waiting), cancellationToken).ConfigureAwait(false))
        {
            case RestAnswer<PushResponse>.Ok { Body: var answer }:
                _acknowledged += answer.Acknowledged.Count;
                _rejected.AddRange(PushCall.Rejected(answer));
                break;
            case RestAnswer<PushResponse>.Failed failed:
                throw new SyncFailedException(failed.Failure);
        }

        _bytes += json.Length;
        _answered += _body.Count;
        _body.Clear();
        Report(SyncPhase.Sending);
    }

    private void Report(SyncPhase phase) => meter.Report(phase, _answered, _total, _bytes, SyncTransport.Rest);
}
