using Dequeue.Client.Rest;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Rest;

namespace Dequeue.Client.Pulling;

/// <summary>
/// Compares what a stream brought with the server's digests, part by part, and puts what REST brings in the place of what differs.
/// </summary>
/// <param name="rest">The calls.</param>
/// <param name="store">Where the parts are.</param>
/// <param name="kept">The filter.</param>
/// <param name="retry">The bounds of retries: what is wrong for a moment must not cost a history.</param>
/// <param name="time">The clock.</param>
/// <param name="random">For the jitter.</param>
internal sealed class RepairRun(
    RestClient rest, IEventStore store, Func<IReadOnlyList<SyncEvent>, IReadOnlyList<SyncEvent>> kept, RetryPolicy retry, TimeProvider time, Random random)
{
    /// <summary>Most parts that are replaced, because their events are held until all have come: 32 MB. When more differ, something
    /// else is wrong, and all of it comes anew.</summary>
    public const int MaxParts = 32;

    /// <summary>Bytes received.</summary>
    public long Bytes { get; private set; }

    /// <summary>The events that were put into the store.</summary>
    public IReadOnlyList<SyncEvent> Added { get; private set; } = [];

    /// <summary>How many were taken out of it.</summary>
    public long Removed { get; private set; }

    /// <summary>
    /// Runs it. On the way the checkpoint lies before all that may be wrong, and what is wrong leaves the store before it is fetched: a
    /// crash loses nothing, the next pull brings it.
    /// </summary>
    /// <param name="parts">All that the stream brought, rising, without a gap.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>What was repaired, or the failure.</returns>
    public async Task<PullInput> RunAsync(IReadOnlyList<StreamedPart> parts, CancellationToken cancellationToken)
    {
        await store.SaveAsync([], parts[0].Since, cancellationToken).ConfigureAwait(false);
        var (wrong, failure) = await CompareAsync(parts, cancellationToken).ConfigureAwait(false);
        if (failure is not null) return new PullInput.Failed(failure);
        if (wrong.Count > MaxParts) return Failed($"{wrong.Count} parts of the stream differ from the server's.");
        if (wrong.Count == 0)
        {
            await store.SaveAsync([], parts[^1].Until, cancellationToken).ConfigureAwait(false);
            return new PullInput.Repaired(0, 0);
        }

        var gone = wrong.ConvertAll(static one => new Replacement(one.Part.First, one.Part.Added, []));
        if (await store.ReplaceAsync(gone, wrong[0].Part.Since, cancellationToken).ConfigureAwait(false) is null) return Failed("The store cannot replace events.");

        var (replacements, fetched) = (new List<Replacement>(), 0L);
        foreach (var (part, truth) in wrong)
        {
            var answer = await TryAsync(() => rest.RangeAsync(part.Since, truth.Count, cancellationToken), cancellationToken).ConfigureAwait(false);
            if (answer is RestAnswer<IReadOnlyList<SyncEvent>>.Failed failed) return new PullInput.Failed(failed.Failure);
            var (events, bytes) = (RestAnswer<IReadOnlyList<SyncEvent>>.Ok)answer;
            Bytes += bytes;
            if (!IsSame(EventDigest.Of(events), truth.Digest)) return Failed($"The events after {part.Since} are not what their digest says.");
            replacements.Add(new Replacement(part.First - Removed, 0, kept(events)));
            Removed += part.Added;
            fetched += events.Count;
        }

        Added = (await store.ReplaceAsync(replacements, parts[^1].Until, cancellationToken).ConfigureAwait(false))!;
        return new PullInput.Repaired(wrong.Sum(static one => (long)one.Part.Received), fetched);
    }

    private async Task<(List<(StreamedPart Part, RangeDigest Truth)> Wrong, SyncFailure? Failure)> CompareAsync(
        IReadOnlyList<StreamedPart> parts, CancellationToken cancellationToken)
    {
        var wrong = new List<(StreamedPart, RangeDigest)>();
        foreach (var some in parts.Chunk(DigestsRequest.MaxRanges))
        {
            var answer = await TryAsync(() => rest.DigestsAsync(some[0].Since, [.. some.Select(static part => part.Until)], cancellationToken), cancellationToken).ConfigureAwait(false);
            if (answer is RestAnswer<DigestsResponse>.Failed failed) return ([], failed.Failure);
            var (truths, bytes) = (RestAnswer<DigestsResponse>.Ok)answer;
            Bytes += bytes;
            foreach (var (part, truth) in some.Zip(truths.Ranges))
            {
                if ((part.Digest ?? await store.DigestAsync(part.First, part.Added, cancellationToken).ConfigureAwait(false)) is not { } digest)
                    return ([], new SyncFailure(SyncFailureKind.BadAnswer, "The store cannot compare its events."));

                // A part that is right may still lack in the store what a wrong one brought before its time, and gives back now.
                if (!IsSame(digest, truth.Digest) || wrong.Count > 0 && !part.IsWhole) wrong.Add((part, truth));
            }
        }

        return (wrong, null);
    }

    private async Task<RestAnswer<T>> TryAsync<T>(Func<Task<RestAnswer<T>>> call, CancellationToken cancellationToken)
    {
        for (var failures = 1; ; failures++)
        {
            var answer = await call().ConfigureAwait(false);
            if (answer is not RestAnswer<T>.Failed failed || retry.Delay(failures, failed.Failure, random.NextDouble()) is not { } delay) return answer;
            await Task.Delay(delay, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private static bool IsSame(string digest, string truth) => string.Equals(digest, truth, StringComparison.OrdinalIgnoreCase);

    private static PullInput.Failed Failed(string message) => new(new SyncFailure(SyncFailureKind.BadAnswer, message));
}
