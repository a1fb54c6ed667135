using Dequeue.Contracts;
using Dequeue.Contracts.Events;

namespace Dequeue.Client.Pulling;

/// <summary>A part of the log that a stream brought, and where the store has it.</summary>
/// <param name="Since">The position before it.</param>
/// <param name="Until">The position after it.</param>
/// <param name="Received">Its events as they came.</param>
/// <param name="Digest">Their digest, once it is known.</param>
/// <param name="First">The place of its first event in the store.</param>
/// <param name="Added">The events that the store took.</param>
/// <param name="IsWhole">Whether it took all that the filter let through; else it had some of them before.</param>
internal sealed record StreamedPart(Checkpoint Since, Checkpoint Until, int Received, Task<string> Digest, long First, int Added, bool IsWhole);

/// <summary>What a stream has brought: the digest of it all, and of each part, some 400 bytes for each.</summary>
internal sealed class StreamLedger : IAsyncDisposable
{
    /// <summary>Most parts that are kept: 4 MB, and 10 million events in full batches. A stream of more cannot be repaired.</summary>
    private const int MaxParts = 10_000;

    private readonly EventDigest _all = new();
    private readonly List<StreamedPart> _parts = [];
    private Task<string> _hashing = Task.FromResult("");
    private bool _isFull;

    /// <summary>The parts, rising; null when they were too many to be kept.</summary>
    public IReadOnlyList<StreamedPart>? Parts => _isFull ? null : _parts;

    /// <summary>Hashes the events of the next part. That takes as long as parsing them: beside it, at most one part behind, it costs
    /// no time of its own.</summary>
    /// <param name="events">The events as they came.</param>
    /// <param name="digest">Their digest when it is known.</param>
    public async ValueTask HashAsync(IReadOnlyList<SyncEvent> events, string? digest)
    {
        await _hashing;
        _hashing = HashAsideAsync(events, digest);
    }

    /// <summary>Notes where the part is that is hashed last.</summary>
    public void Saved(Checkpoint since, Checkpoint until, int received, long first, int added, bool isWhole)
    {
        if (until <= since) return;
        _isFull |= _parts.Count == MaxParts;
        if (!_isFull) _parts.Add(new StreamedPart(since, until, received, _hashing, first, added, isWhole));
    }

    /// <summary>The digest of all events so far.</summary>
    public async ValueTask<string> DigestAsync()
    {
        await _hashing;
        return _all.ToString();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _hashing;
        _all.Dispose();
    }

    private async Task<string> HashAsideAsync(IReadOnlyList<SyncEvent> events, string? digest)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        for (var i = 0; i < events.Count; i++) _all.Append(events[i].Json.Span);
        return digest ?? EventDigest.Of(events);
    }
}
