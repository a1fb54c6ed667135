namespace Dequeue.Sync.Storage;

/// <summary>
/// A place that clients fetch pages from by themselves. It is a cache: a page may be gone some days after it was put there, and is
/// put there again then. All members are safe to call concurrently.
/// </summary>
public interface IPageShelf
{
    /// <summary>What all its URLs begin with: scheme, host and port.</summary>
    Uri Origin { get; }

    /// <summary>Puts a page there, if it is not there yet, and signs a URL that reads this page and nothing else, for a short time.</summary>
    /// <param name="name">Names the content: one name never stands for two contents. Slashes, <c>a-z 0-9 -</c>.</param>
    /// <param name="gzippedJson">One gzip member that holds a JSON document, in parts.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>An absolute URL that needs no other proof.</returns>
    /// <exception cref="StorageUnavailableException">The place does not answer, or refuses.</exception>
    Task<Uri> OfferAsync(string name, IReadOnlyList<ReadOnlyMemory<byte>> gzippedJson, CancellationToken cancellationToken);

    /// <summary>Deletes every page whose name begins so; URLs of them read nothing from then on.</summary>
    /// <param name="prefix">What their names begin with.</param>
    /// <param name="cancellationToken">Gives up. Calling again goes on.</param>
    /// <returns>How many.</returns>
    /// <exception cref="StorageUnavailableException">The place does not answer, or refuses.</exception>
    Task<int> EraseAsync(string prefix, CancellationToken cancellationToken);
}
