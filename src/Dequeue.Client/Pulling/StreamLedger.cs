using Dequeue.Contracts;
using Dequeue.Contracts.Events;

namespace Dequeue.Client.Pulling;

/// <summary>A part of the log that a stream brought, and where the store has it.</summary>
/// <param name="Since">The position before it.</param>
/// <param name="Until">The position after it.</param>
/// <param name="Received">Its events as they came.</param>
/// <param name="First">The place of its first event in the store.</param>
/// <param name="Added">The events that the store took.</param>
/// <param name="IsWhole">Whether it took all that the filter let through; else it had some of them before.</param>
/// <param name="Digest">The digest of the events as they came, where the store has not all of them; null where it can tell.</param>
internal sealed record StreamedPart(Checkpoint Since, Checkpoint Until, int Received, long First, int Added, bool IsWhole, string? Digest);

/// <summary>
/// What a stream has brought: the digest of it all, and where each part is. The digest of a part is not taken on the way, because a
/// stream that is right never needs it: the store has the events.
/// </summary>
internal sealed class StreamLedger : IAsyncDisposable
{
    /// <summary>Most parts that are kept: 1 MB, and 10 million events in full batches. A stream of more cannot be repaired.</summary>
    private const int MaxParts = 10_000;

    private EventDigest _all = new();
    private readonly List<StreamedPart> _parts = [];
    private Task _hashing = Task.CompletedTask;
    private bool _isFull;

    /// <summary>The parts, rising; null when they were too many to be kept.</summary>
    public IReadOnlyList<StreamedPart>? Parts => _isFull ? null : _parts;

    /// <summary>Hashes the events of the next part. That takes as long as parsing them: beside it, at most one part behind, it costs
    /// no time of its own.</summary>
    public async ValueTask HashAsync(IReadOnlyList<SyncEvent> events)
    {
        await _hashing.ConfigureAwait(false);
        _hashing = HashAsideAsync(events);
    }

    /// <summary>Another stream goes on where the last was cut: its digest is of its own events. The parts stay.</summary>
    public async ValueTask BeginAnewAsync()
    {
        await _hashing.ConfigureAwait(false);
        _all.Dispose();
        _all = new EventDigest();
    }

    /// <summary>Notes where a part is.</summary>
    /// <param name="since">The position before it.</param>
    /// <param name="until">The position after it.</param>
    /// <param name="received">Its events as they came.</param>
    /// <param name="first">The place of its first event in the store.</param>
    /// <param name="added">The events that the store took.</param>
    /// <param name="isWhole">Whether it took all that the filter let through.</param>
    public void Saved(Checkpoint since, Checkpoint until, IReadOnlyList<SyncEvent> received, long first, int added, bool isWhole)
    {
        if (until <= since) return;
        _isFull |= _parts.Count == MaxParts;
        if (!_isFull) _parts.Add(new StreamedPart(since, until, received.Count, first, added, isWhole, added == received.Count && added > 0 ? null : EventDigest.Of(received)));
    }

    /// <summary>The digest of all events so far.</summary>
    public async ValueTask<string> DigestAsync()
    {
        await _hashing.ConfigureAwait(false);
        return _all.ToString();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _hashing.ConfigureAwait(false);
        _all.Dispose();
    }

    private async Task HashAsideAsync(IReadOnlyList<SyncEvent> events)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        for (var i = 0; i < events.Count; i++) _all.Append(events[i].Json.Span);
    }
}
