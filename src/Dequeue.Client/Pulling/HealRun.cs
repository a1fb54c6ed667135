using Dequeue.Client.Pushing;
using Dequeue.Client.Rest;
using Dequeue.Contracts;
using Dequeue.Contracts.Events;
using Dequeue.Contracts.Rest;

namespace Dequeue.Client.Pulling;

/// <summary>
/// Puts a server right that was put back to an earlier state of the same log: finds by digests how far both hold the same, pushes again
/// what the log lacks of the rest, and then takes the rest out of the store: a pull brings it back in the order that it has in the log now.
/// </summary>
/// <param name="rest">The calls.</param>
/// <param name="store">The events.</param>
/// <param name="queue">What was sent and not brought back; null when the store keeps none.</param>
/// <param name="epoch">The epoch of the log, which each call names.</param>
/// <param name="push">Sends bodies.</param>
/// <param name="retry">The bounds of retries.</param>
/// <param name="time">The clock.</param>
/// <param name="random">For the jitter.</param>
internal sealed class HealRun(
    RestClient rest, ILogStore store, IPushQueue? queue, string epoch, PushCall push, RetryPolicy retry, TimeProvider time, Random random)
{
    /// <summary>Events that are read and looked at at once.</summary>
    private const int Chunk = PageLimits.Max;

    private readonly PushBodyWriter _body = new();
    private long _pushed;
    private SyncFailure? _refused;

    /// <summary>Bytes received.</summary>
    public long Bytes { get; private set; }

    /// <summary>Runs it. Nothing leaves the store before the server has acknowledged what it lacked of it.</summary>
    public async Task<PullInput> RunAsync(CancellationToken cancellationToken)
    {
        var held = await store.LoadAsync(cancellationToken).ConfigureAwait(false);
        var (common, failure) = await CommonAsync(held.Events, cancellationToken).ConfigureAwait(false);
        if (failure is not null) return new PullInput.Failed(failure);
        var (known, failed) = await IdsAfterAsync(common.Checkpoint, cancellationToken).ConfigureAwait(false);
        if (failed is not null) return new PullInput.Failed(failed);
        if (await PushLackingAsync(common.Events, held.Events, known, cancellationToken).ConfigureAwait(false) is { } notPushed)
            return new PullInput.Failed(notPushed);

        await store.RewindAsync(common, cancellationToken).ConfigureAwait(false);
        await store.SaveAsync([], common.Checkpoint, new LogMark(epoch, common.Events), cancellationToken).ConfigureAwait(false);
        return new PullInput.Healed(common, _pushed);
    }

    /// <summary>How far store and log hold the same events, in the same order, in whole pages of the log.</summary>
    private async Task<(StorePosition Common, SyncFailure? Failure)> CommonAsync(long held, CancellationToken cancellationToken)
    {
        var common = new StorePosition(Checkpoint.Beginning, 0);
        while (true)
        {
            var since = common.Checkpoint;
            var answer = await TryAsync(() => rest.PageDigestsAsync(since, cancellationToken), cancellationToken).ConfigureAwait(false);
            if (answer is RestAnswer<DigestsResponse>.Failed failed) return (common, failed.Failure);
            var (pages, bytes) = (RestAnswer<DigestsResponse>.Ok)answer;
            Bytes += bytes;
            if (pages.Ranges.Count == 0) return (common, null);
            foreach (var page in pages.Ranges)
            {
                if (common.Events + page.Count > held
                    || await store.DigestAsync(common.Events, page.Count, cancellationToken).ConfigureAwait(false) is not { } digest
                    || !string.Equals(digest, page.Digest, StringComparison.OrdinalIgnoreCase))
                {
                    return (common, null);
                }

                common = new StorePosition(page.Checkpoint, common.Events + page.Count);
            }
        }
    }

    private async Task<(HashSet<string> Ids, SyncFailure? Failure)> IdsAfterAsync(Checkpoint since, CancellationToken cancellationToken)
    {
        var ids = new HashSet<string>(StringComparer.Ordinal);
        for (var more = true; more;)
        {
            var after = since;
            var answer = await TryAsync(() => rest.PullAllAsync(after, new HistoryClaim(epoch, null), cancellationToken), cancellationToken).ConfigureAwait(false);
            if (answer is RestAnswer<EventPageBody>.Failed failed) return (ids, failed.Failure);
            var (page, bytes) = (RestAnswer<EventPageBody>.Ok)answer;
            Bytes += bytes;
            if (page.Epoch is { } told && told != epoch) return (ids, SyncFailure.OtherHistory(told, null));
            if (page.HasMore && page.NextCheckpoint <= since)
                return (ids, new SyncFailure(SyncFailureKind.BadAnswer, "A page does not lead beyond the checkpoint that it was asked for."));
            foreach (var next in page.Events)
            {
                if (next.Id is { } id) ids.Add(id);
            }

            (since, more) = (page.NextCheckpoint, page.HasMore);
        }

        return (ids, null);
    }

    private async Task<SyncFailure?> PushLackingAsync(long first, long held, HashSet<string> known, CancellationToken cancellationToken)
    {
        for (var place = first; place < held; place += Chunk)
        {
            var some = await store.ReadEventsAsync(place, (int)Math.Min(Chunk, held - place), cancellationToken).ConfigureAwait(false);
            foreach (var next in some.Where(next => !known.Contains(next.Id!)))
            {
                if (await AddAsync(next.Json, cancellationToken).ConfigureAwait(false) is { } failure) return failure;
            }
        }

        // Of these the store may hold some, in the common part: the server has them then, and says so.
        var sent = queue is null ? [] : await queue.SentAsync(cancellationToken).ConfigureAwait(false);
        foreach (var next in sent.Where(next => !known.Contains(next.Id)))
        {
            if (await AddAsync(next.Json, cancellationToken).ConfigureAwait(false) is { } failure) return failure;
        }

        return await SendAsync(cancellationToken).ConfigureAwait(false) ?? _refused;
    }

    private async ValueTask<SyncFailure?> AddAsync(ReadOnlyMemory<byte> json, CancellationToken cancellationToken)
    {
        if (!_body.HasRoomFor(json.Length) && await SendAsync(cancellationToken).ConfigureAwait(false) is { } failure) return failure;
        _body.Add(json.Span);
        return null;
    }

    private async Task<SyncFailure?> SendAsync(CancellationToken cancellationToken)
    {
        if (_body.Count == 0) return null;
        var json = _body.Close(push.Log);
        var answer = await push.SendAsync(json, static () => { }, cancellationToken).ConfigureAwait(false);
        _body.Clear();
        if (answer is RestAnswer<PushResponse>.Failed failed) return failed.Failure;
        var body = ((RestAnswer<PushResponse>.Ok)answer).Body;
        _pushed += body.Acknowledged.Count;

        // What the server takes no more would leave both: the store keeps all, and the app is told.
        if (body.Rejected.Count > 0) _refused ??= SyncFailure.NotHealed($"the server does not take event {body.Rejected[0]} again. {(body.Errors.Count > 0 ? body.Errors[0] : "")}");
        return null;
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
}
