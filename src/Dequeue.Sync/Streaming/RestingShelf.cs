using Dequeue.Sync.Storage;
using Microsoft.Extensions.Logging;

namespace Dequeue.Sync.Streaming;

/// <summary>A shelf that rests for a while after it failed, so that not every stream waits for one that is gone.</summary>
internal sealed partial class RestingShelf(IPageShelf shelf, TimeProvider clock, ILogger logger)
{
    /// <summary>How long.</summary>
    public static readonly TimeSpan Rest = TimeSpan.FromMinutes(1);

    private long _restsUntil;

    /// <summary>What all the URLs begin with.</summary>
    public Uri Origin => shelf.Origin;

    /// <summary>Whether nothing can be offered now.</summary>
    public bool IsResting => clock.GetUtcNow().UtcTicks < Interlocked.Read(ref _restsUntil);

    /// <summary>Puts a page on the shelf.</summary>
    /// <returns>Where a client fetches it; null when it cannot be offered.</returns>
    public async Task<Uri?> OfferAsync(string name, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken)
    {
        if (IsResting) return null;
        try
        {
            return await shelf.OfferAsync(name, content, cancellationToken);
        }
        catch (StorageUnavailableException failure)
        {
            // One warning for the pages that were under way together.
            var now = clock.GetUtcNow();
            if (Interlocked.Exchange(ref _restsUntil, (now + Rest).UtcTicks) <= now.UtcTicks) LogFailed(failure);
            return null;
        }
    }

    [LoggerMessage(701, LogLevel.Warning, "Pages cannot be offered as URLs for now; they are sent through the socket", EventName = "701")]
    private partial void LogFailed(Exception failure);
}
