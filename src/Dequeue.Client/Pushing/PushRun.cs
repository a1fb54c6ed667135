using Dequeue.Client.Rest;
using Dequeue.Contracts.Rest;

namespace Dequeue.Client.Pushing;

/// <summary>Sends events in order, in bodies of at most 1,000 events and 3.5 MB, each retried until the server has answered it.</summary>
internal sealed class PushRun(SyncOptions options, RestCalls rest, TimeProvider time, Random random, ProgressMeter meter)
{
    /// <summary>Events of a body: the server's limit.</summary>
    internal const int MaxEvents = 1000;

    /// <summary>Bytes of a body, below the server's limit of 4 MB.</summary>
    internal const int MaxBytes = 3_500_000;

    private readonly RetryPolicy _retry = RetryPolicy.Of(options);
    private readonly List<RejectedEvent> _rejected = [];
    private long _acknowledged, _bytes, _answered;

    public async Task<PushResult> RunAsync(IEnumerable<ReadOnlyMemory<byte>> events, CancellationToken cancellationToken)
    {
        long? total = events.TryGetNonEnumeratedCount(out var count) ? count : null;
        Report(SyncPhase.Connecting, total);
        var body = new PushBody();
        foreach (var next in events)
        {
            if (body.Count == MaxEvents || body.Count > 0 && body.Length + next.Length > MaxBytes) await FlushAsync(body, total, cancellationToken);
            body.Add(next.Span);
        }

        if (body.Count > 0) await FlushAsync(body, total, cancellationToken);
        Report(SyncPhase.Completed, _answered);
        return new PushResult(_acknowledged, _rejected, meter.Seconds, _bytes);
    }

    private async Task FlushAsync(PushBody body, long? total, CancellationToken cancellationToken)
    {
        var json = body.Close();
        var answer = await SendAsync(json, total, cancellationToken);
        _bytes += json.Length;
        _acknowledged += answer.Acknowledged.Count;
        for (var i = 0; i < answer.Rejected.Count; i++)
            _rejected.Add(new RejectedEvent(answer.Rejected[i], i < answer.Errors.Count ? answer.Errors[i] : "No reason given."));
        _answered += body.Count;
        body.Clear();
        Report(SyncPhase.Sending, total);
    }

    private async Task<PushResponse> SendAsync(ReadOnlyMemory<byte> json, long? total, CancellationToken cancellationToken)
    {
        for (var failures = 0; ;)
        {
            switch (await rest.PushAsync(json, cancellationToken))
            {
                case RestAnswer<PushResponse>.Ok { Body: { Acknowledged: not null, Rejected: not null, Errors: not null } answer }:
                    return answer;
                case RestAnswer<PushResponse>.Failed failed:
                    if (_retry.Delay(++failures, failed.Failure, random.NextDouble()) is not { } delay) throw new SyncFailedException(failed.Failure);
                    Report(SyncPhase.Waiting, total);
                    await Task.Delay(delay, time, cancellationToken);
                    break;
                default:
                    throw new SyncFailedException(new SyncFailure(SyncFailureKind.BadAnswer, "The push was answered without its three lists."));
            }
        }
    }

    private void Report(SyncPhase phase, long? total) => meter.Report(phase, _answered, total, _bytes, SyncTransport.Rest);
}
