using Dequeue.Client.Rest;
using Dequeue.Contracts.Pushing;
using Dequeue.Contracts.Rest;

namespace Dequeue.Client.Pushing;

/// <summary>Sends one body, again and again within the bounds of the retry policy.</summary>
/// <param name="rest">The calls.</param>
/// <param name="retry">The bounds.</param>
/// <param name="time">The clock.</param>
/// <param name="random">For the jitter.</param>
/// <param name="log">The log that the events are meant for; null for any.</param>
internal sealed class PushCall(RestClient rest, RetryPolicy retry, TimeProvider time, Random random, PushLog? log)
{
    /// <summary>The log that the events are meant for; null for any.</summary>
    public PushLog? Log => log;

    /// <summary>Events of a body: the server's limit.</summary>
    public const int MaxEvents = PushLimits.MaxEvents;

    /// <summary>Bytes of a body, below the server's limit of 4 MB.</summary>
    public const int MaxBytes = 3_500_000;

    /// <summary>The last answer: the server's, or the failure that ended the attempts.</summary>
    public async Task<RestAnswer<PushResponse>> SendAsync(ReadOnlyMemory<byte> body, Action onWait, CancellationToken cancellationToken)
    {
        for (var failures = 1; ; failures++)
        {
            var answer = await rest.PushAsync(body, cancellationToken).ConfigureAwait(false);
            if (answer is RestAnswer<PushResponse>.Ok ok && log is not null) await log.MeetAsync(ok.Body.Epoch, cancellationToken).ConfigureAwait(false);
            if (answer is not RestAnswer<PushResponse>.Failed failed) return answer;
            if (retry.Delay(failures, failed.Failure, random.NextDouble()) is not { } delay) return answer;
            onWait();
            await Task.Delay(delay, time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The refused events of an answer, with their reasons.</summary>
    public static IEnumerable<RejectedEvent> Rejected(PushResponse answer)
        => answer.Rejected.Select((id, i) => new RejectedEvent(id, i < answer.Errors.Count ? answer.Errors[i] : "No reason given."));
}
